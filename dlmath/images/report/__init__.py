"""What `dlmath train-image` prints and draws."""
