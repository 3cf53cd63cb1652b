"""The command line: parses flags, prints, chooses the exit code. One thin module a command."""
