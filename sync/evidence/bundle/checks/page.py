"""The page in the bundle: it is the one that was sealed, and what it carries is this bundle and no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import zlib

from sync.evidence.bundle.archive import Unreadable, read_archive
from sync.evidence.bundle.contents import MOST, PAGE, Bundle
from sync.evidence.bundle.findings import NoBundle
from sync.evidence.bundle.limits import MAX_PICTURE
from sync.evidence.bundle.slot import split_page


def check_page(bundle: Bundle) -> None:
    """The page without what it carries has the sealed digest; what it carries is the same parts."""
    if bundle.page is None or bundle.seal is None:
        return
    shell, carried = split_page(bundle.page)
    if hashlib.sha256(shell).hexdigest() != bundle.sealed["page"]:
        bundle.findings.add("page_changed", PAGE)
    elif carried is not None and not _is_the_same(bundle, carried):
        bundle.findings.add("page_changed", PAGE, "What it carries is not what is in this bundle.")


def _is_the_same(bundle: Bundle, carried: bytes) -> bool:
    try:
        data = base64.b64decode(carried, validate=True)
        archive = read_archive(io.BytesIO(data))
    except (NoBundle, binascii.Error):
        return False
    # Only Baton writes what is carried: there is no honest reason for it to be packed in any other way.
    is_odd = archive.oddities or any(member.has_two_stories for member in archive.members)
    if is_odd or base64.b64encode(data) != carried:
        return False
    others = bundle.members.keys() - {PAGE}
    if {member.name for member in archive.members} != others or len(archive.members) != len(others):
        return False
    for member in archive.members:
        try:
            data = archive.read(member, MOST.get(member.name, MAX_PICTURE))
        except Unreadable:
            return False
        is_true = zlib.crc32(data) == member.crc
        if not is_true or hashlib.sha256(data).hexdigest() != bundle.digests.get(member.name):
            return False
    return True
