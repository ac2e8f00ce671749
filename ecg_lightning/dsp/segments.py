"""On its way."""
