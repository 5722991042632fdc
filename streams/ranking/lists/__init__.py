"""Lists that anybody may ask for: what is like an item, what is met most, what is new, who is like a user."""
