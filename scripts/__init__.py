"""What make runs: getting programs, all checks, all tests."""
