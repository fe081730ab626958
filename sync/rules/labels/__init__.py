"""The label check: what a shipping label must say (`R7`), and what it must not (`R8`)."""
