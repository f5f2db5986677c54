"""What `train-gate` shows."""
