"""Training examples of streams too large for one process: segments, and one build for each."""
