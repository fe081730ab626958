"""Have every day's events stamped by somebody else (RFC 3161), if the installation says by whom."""
