"""The version, apart from the package's face, which imports the commands."""

__version__ = "0.1.0"
