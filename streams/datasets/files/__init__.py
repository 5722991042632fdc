"""Bytes of data files: compressed, in archives, in parts, in any encoding."""
