"""What is done with a bundle: label recordings."""
