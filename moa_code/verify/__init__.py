"""Plans checks, hands them to a sandbox, and grades what it observed."""
