"""Experiment files, results and claims."""
