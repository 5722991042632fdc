"""Live feeds: a user's feed is pushed as it is made, by server-sent events or on a WebSocket."""
