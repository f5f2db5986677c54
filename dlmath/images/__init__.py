"""`dlmath train-image`: small convolutional and plain networks trained on images, every layer written out in NumPy."""
