"""Where user states, feeds, items and the ledger live: in memory, or in Redis."""
