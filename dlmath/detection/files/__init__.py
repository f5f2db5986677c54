"""What only boxes read: the formats in which people keep boxes."""
