"""The peers against servers that answer as their documentation says."""
