"""Tests of model/baselines."""
