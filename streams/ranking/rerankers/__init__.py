"""What moves places after the scores have ordered them: one reranker a file."""
