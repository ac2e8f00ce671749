"""A bundle answers over HTTP, by itself or behind MLflow."""
