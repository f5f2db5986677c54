"""What `vanishing` shows."""
