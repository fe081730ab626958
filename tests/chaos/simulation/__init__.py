"""A simulated day of phones, network and server: the real code of both, every fault, a clock that nobody waits for."""
