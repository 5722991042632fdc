"""Events in, fresh recommendations out: the pure core and the thin shells around it."""
