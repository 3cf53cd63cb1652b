"""Model text into a `Patch`; a patch against policy; unified diffs in and out. Pure: no disk, no process."""
