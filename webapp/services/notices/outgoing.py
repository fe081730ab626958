"""One POST to an address that somebody gave us: never into our own network, never further than that address.

The name is looked up once, every address it has must be a public one, and the connection goes to the address that was
looked at: a name that answers differently the second time gains nothing. Redirects are not followed. From connecting
to the last byte that is read it takes `WITHIN_S` seconds at most, however slowly the other side speaks.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

WITHIN_S = 12.0
_READ = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unsafe(Exception):
    """An address that is not to be called; its text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked at: where to connect, and as whom."""

    is_tls: bool
    host: str
    port: int
    path: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the begin of the body, seconds of `Retry-After`."""

    status: int
    body: bytes
    retry_after_s: int | None

    @property
    def text(self) -> str:
        """The body as somebody may read it, and as every database keeps it."""
        said = self.body.decode(errors="replace")
        return "".join(char if char.isprintable() or char in "\r\n\t" else "\ufffd" for char in said)


def refuse_form(url: str, *, may_be_private: bool) -> tuple[SplitResult, int]:
    """A URL in its parts with its port. Raises Unsafe for what is none that we would call, whoever it leads to."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Unsafe("The address has no sensible port.") from error
    if parts.scheme != "https" and not (may_be_private and parts.scheme == "http"):
        raise Unsafe("The address must begin with https://.")
    if not parts.hostname or parts.username is not None or any(c <= " " or c > "~" for c in url):
        raise Unsafe("This is not an address like https://shop.example.com/hook.")
    return parts, port


def look_at(url: str, *, may_be_private: bool) -> Target:
    """Where a URL leads. Raises Unsafe; OSError when its name cannot be looked up just now."""
    parts, port = refuse_form(url, may_be_private=may_be_private)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise Unsafe(f"{host} is not a name.") from error
    addresses = [str(each[4][0]) for each in found]
    if not may_be_private and (private := [a for a in addresses if not is_public(a)]):
        raise Unsafe(f"{host} is {private[0]}, which is not on the public internet.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path, addresses[0])


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it is wrapped in another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inside is None and ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was looked at, under the name that was asked for; it can be cut off."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=WITHIN_S)
        self._target = target
        # `sock` itself is given up before the answer's text is read.
        self._wire: socket.socket | None = None
        self._is_cut = False

    def connect(self) -> None:
        self._hold(socket.create_connection((self._target.address, self._target.port), WITHIN_S))
        if self._target.is_tls:
            context = ssl.create_default_context()
            wrapped = context.wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self._hold(wrapped)
            wrapped.do_handshake()

    def cut(self) -> None:
        """Time is over: whatever is being sent or read ends now, and nothing is begun any more."""
        self._is_cut = True
        if self._wire is not None:
            with suppress(OSError):  # it is over already
                # Not TLS's own: that one forgets its keys, and another thread may be using them.
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def refuse_cut(self) -> None:
        """Raises TimeoutError when it was cut: what was read until then may be half of it."""
        if self._is_cut:
            raise TimeoutError(f"it took longer than {WITHIN_S:g} seconds")

    def _hold(self, sock: socket.socket) -> None:
        self.sock = self._wire = sock
        self.refuse_cut()


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, may_be_private: bool, most: int = _READ
) -> Answer:
    """Send it and read up to `most` bytes of the answer. Raises Unsafe; OSError for whatever the network does."""
    connection = _Pinned(look_at(url, may_be_private=may_be_private))
    too_late = threading.Timer(WITHIN_S, connection.cut)
    too_late.daemon = True
    too_late.start()
    try:
        connection.request("POST", connection._target.path, body, dict(headers))  # noqa: SLF001 - our own class
        response = connection.getresponse()
        connection.refuse_cut()
        return Answer(response.status, response.read(most), _seconds(response.getheader("Retry-After")))
    except http.client.HTTPException as error:
        raise OSError(f"the answer cannot be read: {type(error).__name__}") from error
    finally:
        too_late.cancel()
        connection.close()


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else None
