"""`dlmath train-gate`."""
