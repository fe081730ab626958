"""Questions to the database, by who asks them."""
