"""What the counters and the graph say of a user's candidates."""
