"""Facts and samples of activation functions."""
