"""The transactions that a Redis server runs, as Lua."""
