"""The `headrace` command line: one file a command."""
