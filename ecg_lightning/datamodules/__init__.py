"""Tasks: one file each, records to batches."""
