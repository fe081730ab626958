"""Proofs on paper: PDF pages from plain documents and pictures, the same bytes for the same facts."""
