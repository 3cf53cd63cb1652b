"""Gets a machine ready: an engine that answers, the sandbox image, the bubblewrap root. Knows nothing of jobs."""
