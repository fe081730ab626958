"""Tables, by subject."""
