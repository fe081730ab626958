"""Copies of pictures for paper: upright, small, plain JPEG or PNG, made one at a time; never the evidence itself."""

from __future__ import annotations

from sync.protocol.problems import Problem
from webapp.services.open_blob import find_blob, small_copy

WIDTH = 640


def copy_for_paper(org_id: str, sha256: str) -> bytes | None:
    """A copy of a picture that an event speaks of; None when it cannot be decoded or is gone.

    Never the bytes as they came, however small: what prints them would decode them unguarded.
    """
    try:
        return small_copy(org_id, find_blob(org_id, None, sha256), WIDTH)
    except Problem:
        return None
