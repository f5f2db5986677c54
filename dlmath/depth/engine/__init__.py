"""Signals through depth: how activations and gradients fare in deep networks, measured and predicted.

`settings` says what is built; `quadrature`, `length_map`, `theory` and `critical` predict (mean-field theory);
`law` and `residual_law` draw from the exact law of the real network without building a matrix, `explicit` builds
the matrices; `planner` chooses; `measure` is the whole measurement; `path` and `task` explain and train.
"""
