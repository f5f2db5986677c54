"""Reading and writing: data rows, weights, images, model files; every write is atomic."""
