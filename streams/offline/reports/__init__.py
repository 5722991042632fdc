"""Reports as web pages; each page is one file and works offline."""
