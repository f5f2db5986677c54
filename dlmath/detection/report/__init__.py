"""What boxes look like on paper: tables, explanations, pictures."""
