"""How long photos are kept: the shop's numbers, and the rounds that let go what is old."""
