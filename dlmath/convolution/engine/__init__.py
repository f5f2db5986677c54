"""Convolution of images with kernels: the definition, and the fast ways to the same numbers.

`geometry` says where windows lie and how large results are; `layer` sums over channels and transposes; `pooling` pools.

`kernels` says what is slid over the image; `naive` is the definition; `taps`, `separable`, `dense` and `fft` are the
algorithms, each a module with its cost beside it; `planner` chooses among them from shapes, kernel and dtype alone;
`tiles` moves strips of the image through an algorithm's scratch; `convolve` is the whole operation.
"""
