"""`dlmath convolve`."""
