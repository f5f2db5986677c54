"""Pictures, arrays and matrices, read and written."""
