"""What a photograph or signature shows."""
