"""The rules of the house that no linter knows, each a function from the tree to its findings."""
