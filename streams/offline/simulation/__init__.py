"""Simulated users, fitted on a dataset, who read feeds and answer them through the core that serves."""
