"""What `convolve` shows."""
