"""Experiments on simulated users, whose true lift is known: whether readings keep their promises."""
