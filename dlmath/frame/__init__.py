"""The frame of every command: declaration of options, checks, delivery, the error boundary."""
