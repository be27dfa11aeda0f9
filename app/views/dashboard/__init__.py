"""The dashboard: what was issued, what came of it, and what is still owed."""
