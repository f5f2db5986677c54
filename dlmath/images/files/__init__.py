"""Labelled images read from the files users have, and trained weights written and read."""
