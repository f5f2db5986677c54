"""`dlmath vanishing`."""
