"""`dlmath param-count`."""
