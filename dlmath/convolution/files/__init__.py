"""What only `convolve` reads: kernels."""
