"""LightningModules: one per kind of problem."""
