"""Items by a text: search, and completions of what is being typed."""
