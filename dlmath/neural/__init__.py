"""What networks share: activations, losses, optimizers, initialisers, architecture."""
