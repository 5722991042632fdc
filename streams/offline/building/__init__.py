"""Training examples of streams too large for one process: cut into segments, which are built apart."""
