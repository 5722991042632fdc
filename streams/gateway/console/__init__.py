"""/console: pages for who runs the system."""
