"""A generated egocentric world in the official file layouts, for tests and quick starts."""
