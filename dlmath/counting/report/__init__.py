"""What `param-count` shows."""
