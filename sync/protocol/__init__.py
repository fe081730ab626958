"""The words of the wire: envelopes, event kinds, codes, problems."""
