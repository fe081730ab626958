"""The tree of RFC 6962 over digests: one root for many leaves, and for each leaf a short path that leads to it.

A leaf is SHA-256(0x00 || digest), a node SHA-256(0x01 || left || right); a list splits at the largest power of two that
is smaller than it. A path alone does not bind the number of leaves: what is stamped (`head`) names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SIZE = 32  # bytes of a root and of each step of a path


def leaf(data: bytes) -> bytes:
    """The tree's leaf for these bytes (here: an event's digest)."""
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The node above two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's root; of no leaves the digest of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    return levels(leaves)[-1][0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What leads from one leaf to the root, the lowest step first. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    return path_in(levels(leaves), index)


def path_in(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The same in a tree that was built already, for many leaves of it."""
    steps = []
    for level in levels[:-1]:
        beside = index ^ 1
        if beside < len(level):
            steps.append(level[beside])
        index //= 2
    return steps


def root_of(data: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Where a path leads from a leaf that is said to be the `index`th of `size`; None where no tree has such a path."""
    if not 0 <= index < size:
        return None
    here, last, left = leaf(data), size - 1, list(path)
    while last:
        if index & 1 or index < last:
            if not left:
                return None
            beside = left.pop(0)
            here = node(beside, here) if index & 1 else node(here, beside)
        index, last = index // 2, last // 2
    return None if left else here


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The whole tree: its leaves, then each level above, the root last.

    One without a neighbour rises as it is: so a list splits as RFC 6962 has it.
    """
    built = [[leaf(data) for data in leaves]]
    while len(built[-1]) > 1:
        below = built[-1]
        above = [node(below[n], below[n + 1]) for n in range(0, len(below) - 1, 2)]
        built.append(above + below[len(below) - len(below) % 2 :])
    return built
