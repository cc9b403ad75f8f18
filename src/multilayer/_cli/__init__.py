"""The command line: one module per command, everything heavy imported when a command runs."""
