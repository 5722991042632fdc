"""What is on each dashboard, one dashboard a file."""
