"""Corpora: one file each, folder to Record."""
