"""The experiments of a deployment: their states, how these change, and the log of all changes."""
