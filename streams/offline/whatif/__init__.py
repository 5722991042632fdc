"""What an arm that never ran would have been worth: the log is replayed, and the arm asked at every slate."""
