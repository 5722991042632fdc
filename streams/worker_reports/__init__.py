"""What each worker says of itself every second, for whoever watches. It expires; nothing is built on it."""
