"""Counting a network: what each layer holds, computes, sees and keeps, in whole numbers, without an array library."""
