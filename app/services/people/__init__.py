"""People who can receive cards."""
