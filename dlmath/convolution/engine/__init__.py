"""Convolution of images with small kernels: the definition, and the fast ways to the same numbers.

`kernels` says what is slid over the image; `naive` is the definition; `taps`, `separable`, `dense` and `fft` are the
algorithms, each a module with its cost beside it; `planner` chooses among them from shapes, kernel and dtype alone;
`tiles` moves strips of the image through an algorithm's scratch; `convolve` is the whole operation.
"""
