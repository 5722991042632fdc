"""Tests of what moves places."""
