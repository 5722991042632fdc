"""Routes that are ranked on request."""
