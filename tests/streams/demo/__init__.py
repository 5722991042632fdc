"""The demo and its parts."""
