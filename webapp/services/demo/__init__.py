"""A shop to try Baton with: plainly not real, filled through the same doors as a real one."""
