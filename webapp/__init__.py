"""The web server around the ledger."""
