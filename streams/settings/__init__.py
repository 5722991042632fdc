"""Every setting: its sections, the tree of them, and how it is read."""
