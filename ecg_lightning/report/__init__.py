"""A run folder in, figures and one HTML page out."""
