"""Where photograph bytes are kept."""
