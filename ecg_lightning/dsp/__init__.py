"""Arrays in, arrays out: no torch, no files, no labels."""
