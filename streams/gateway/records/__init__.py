"""Items and users one by one and in bulk: put, changed, read, listed."""
