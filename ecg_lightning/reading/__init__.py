"""Recordings of users, of any laboratory: what a file says is checked, what it does not say is never guessed."""
