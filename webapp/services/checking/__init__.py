"""Look at the photos that have come home: one process that may be killed does it, the tables say what is left."""
