"""The command line: a verb per file."""
