"""Prequential evaluation of any dataset through the core that serves."""
