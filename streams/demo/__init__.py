"""The demo: ml-100k as live events, from training to a feed that changes before your eyes."""
