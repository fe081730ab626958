"""Labels: read what was uploaded, check it, and keep what came out."""
