"""Read a request's body with a bound, however it is packed."""

from __future__ import annotations

import zlib
from typing import Any

from flask import request

from sync.protocol import strictjson
from sync.protocol.problems import Problem

_CHUNK = 64 * 1024


def read_body(limit: int) -> bytes:
    """The body, inflated if it was gzipped, never more than `limit` bytes of it at a time in memory.

    Problems: `encoding-unsupported`, `batch-too-large`, `malformed-batch`.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return _plain(limit)
    if encoding in {"gzip", "x-gzip"}:
        return _inflated(limit)
    raise Problem("encoding-unsupported", f"Send it plain or gzipped, not as {encoding[:40]}.")


def read_json(limit: int) -> dict[str, Any]:
    """A small JSON object, read one way and with texts that any database keeps. Problem `body-invalid`."""
    try:
        value = strictjson.loads(read_body(limit))
    except strictjson.NotStrict as error:
        raise Problem("body-invalid", f"The body is refused: {error}.") from error
    if not isinstance(value, dict):
        raise Problem("body-invalid", "The body is not a JSON object.")
    return value


def _plain(limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    data = request.stream.read(limit + 1)
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _inflated(limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    total = 0
    try:
        while chunk := request.stream.read(_CHUNK):
            while chunk:
                part = inflater.decompress(chunk, limit + 1 - total)
                parts.append(part)
                total += len(part)
                if total > limit:
                    raise _too_large(limit)
                chunk = inflater.unconsumed_tail
            if inflater.unused_data:
                break  # refused below; read on, zlib would gather all of it, copied anew for each chunk
    except zlib.error as error:
        raise Problem("malformed-batch", "The body says it is gzipped, and is not.") from error
    if not inflater.eof or inflater.unused_data:
        raise Problem("malformed-batch", "The gzipped body is cut off or has bytes after its end.")
    return b"".join(parts)


def _too_large(limit: int) -> Problem:
    return Problem("batch-too-large", f"A request has at most {limit} bytes; send fewer at a time.")
