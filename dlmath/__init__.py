"""The mathematics of deep learning, as commands that can be run, measured and explained."""

__version__ = "0.1.0"
