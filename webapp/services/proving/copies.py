"""Copies of pictures for paper: upright, small, plain JPEG or PNG, made one at a time; never the evidence itself."""

from __future__ import annotations

from sync.evidence.intake import sniff
from sync.protocol.problems import Problem
from webapp.services.open_blob import find_blob, read_thumbnail

WIDTH = 640
_PRINTABLE = ("image/jpeg", "image/png")


def copy_for_paper(org_id: str, sha256: str) -> bytes | None:
    """A copy of a picture that an event speaks of; None when it cannot be decoded or is gone."""
    try:
        _, data = read_thumbnail(org_id, find_blob(org_id, None, sha256), WIDTH)
    except Problem:
        return None
    return data if sniff(data) in _PRINTABLE else None
