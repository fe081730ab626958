"""The proof bundle: one zip that shows what happened to a parcel to somebody who trusts nobody (ADR 0012)."""
