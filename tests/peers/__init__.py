"""Real services for tests that are not servers of the product: key services and hardware."""
