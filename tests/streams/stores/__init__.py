"""The stores' own parts; what a store must do stands in tests/contracts."""
