"""The store in Redis or Valkey, on one server or a cluster of them."""
