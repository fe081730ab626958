"""The pictures in docs/screens: a real day's work on a real server, photographed screen by screen."""
