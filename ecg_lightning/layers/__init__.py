"""Parts that two or more networks use."""
