"""Which items may not be shown, and why: one rule a file."""
