"""What an experiment is declared as, and how a declaration is read."""
