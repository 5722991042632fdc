"""Search: which items a text asks for, by words, by meaning, and by what is known of the user."""
