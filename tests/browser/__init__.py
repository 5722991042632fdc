"""Pages in a real browser: what they show, what they load, whom they leave out."""
