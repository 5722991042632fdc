"""Published ways to recommend, for comparison."""
