"""What `activation` shows."""
