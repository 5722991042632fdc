"""/demo: a small cinema over whatever catalog there is, where one sees the feed move."""
