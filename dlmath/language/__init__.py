"""Expressions and numbers as text, for every house."""
