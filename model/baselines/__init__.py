"""Published ways to recommend, to be compared with."""
