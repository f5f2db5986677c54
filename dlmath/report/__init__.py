"""Results as tables, JSON, CSV, explanations and pictures."""
