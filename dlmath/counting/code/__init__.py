"""A network written as a program: Keras or PyTorch, readable as a person writes it."""
