"""The pure core, on plain data."""
