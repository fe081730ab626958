"""Rescue files: a phone's unsent work as one file, read part by part, damaged or not, and taken in."""
