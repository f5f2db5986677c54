"""Layers forward and backward by the chain rule, training, data sets and what is measured; arrays in, results out."""
