"""What a net reads of a shown list: its places beside what their user did in this session."""
