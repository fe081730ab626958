"""What an event is and what it does; pure, knows no framework, clock or disk."""
