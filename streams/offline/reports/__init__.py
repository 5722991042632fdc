"""Reports as web pages, each whole in itself: it works offline."""
