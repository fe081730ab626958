"""Forged proof bundles, for the command and the page alike: `python -m tests.vectors.forgeries` writes bundles.json."""
