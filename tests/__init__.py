"""Tests; each folder mirrors a package, and contracts/, connected/ and failures/ go across them."""
