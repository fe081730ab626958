"""What several tests stand on: real servers, a real browser, a fake camera, a bad network."""
