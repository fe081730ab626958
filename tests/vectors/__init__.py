"""Examples that Python and JavaScript are both tested with."""
