"""Lists on request: what is like an item, what is met most, what is new, and who is like a user."""
