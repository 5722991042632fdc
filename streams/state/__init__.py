"""What is kept of users and items: user states, the catalog, the ledger, the knowledge graph."""
