"""What is checked of a bundle, one question a file. Each takes the bundle apart as it was read, and notes findings."""
