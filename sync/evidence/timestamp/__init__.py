"""Time stamps by somebody else (RFC 3161): a tree over a day's events, and what an authority answered."""
