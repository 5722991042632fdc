"""Training examples: how they are taken from a stream, and where they are kept."""
