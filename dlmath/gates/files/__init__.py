"""What only `train-gate` reads and writes: rows and weights."""
