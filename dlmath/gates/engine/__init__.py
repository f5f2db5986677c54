"""Gates, perceptrons and small networks in NumPy."""
