"""Read a Seller Center order export, show what it would change, and bring it into the shop's books."""
