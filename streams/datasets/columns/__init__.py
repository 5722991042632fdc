"""Columns of cells as ids, times, ratings, prices, lists and vectors."""
