"""`dlmath run`."""
