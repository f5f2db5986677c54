"""Boxes as arrays: overlap, regression, suppression, anchors, matching, pooling, average precision. NumPy alone."""
