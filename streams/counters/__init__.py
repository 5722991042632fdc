"""What every interaction updates: popularity, item pairs, ratings. Pure numpy and numba."""
