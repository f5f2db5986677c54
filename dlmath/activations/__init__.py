"""The house of `dlmath activation`: activation functions seen."""
