"""The items whose vectors have the largest products with a query: exact, or by an index."""
