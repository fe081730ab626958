"""Free ports of the loopback interface."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import time

# Below what the kernel gives to those who do not ask, and other ones for each worker of a run: between the drawing of a
# port and the server that listens on it, nobody else is given the same.
_EACH = 2_000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FROM = 12_000 + _WORKER % 8 * _EACH
_next = itertools.cycle(range(_FROM, _FROM + _EACH))
for _ in range(os.getpid() % _EACH):
    next(_next)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on right now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """That many different free ports."""
    return list(itertools.islice((port for port in itertools.islice(_next, _EACH) if _is_free(port)), count))


def _is_free(port: int) -> bool:
    with socket.socket() as tried, contextlib.suppress(OSError):
        tried.bind(("127.0.0.1", port))
        return True
    return False


def wait_for_port(port: int, within: float) -> bool:
    """Whether something accepts a connection on the port before `within` seconds are over."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.02)
    return False
