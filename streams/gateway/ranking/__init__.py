"""What is ranked on request: the caller's own candidates, feeds with parameters, slates by their ids."""
