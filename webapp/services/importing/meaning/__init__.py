"""From cells to orders, parcels and facts: pure functions on plain data."""
