"""Items and users one by one: in memory, with a worker that applies what was written when a test says so."""
