"""The vault: making it, opening it, its keys."""
