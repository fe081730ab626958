"""Proofs for outside: gathered from the ledger, sealed, printed."""
