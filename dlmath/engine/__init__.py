"""The mathematics: pure functions over arrays. Imports nothing but NumPy, the standard library and `dlmath.errors`."""
