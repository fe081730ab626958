"""What a parcel may become, and when (RULES.md)."""
