"""Open a picture for somebody in the office: whole, or small enough for a list."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps

from sync.evidence.intake import is_as_told, sniff
from sync.protocol.problems import Problem
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions
from webapp.store.queries.blobs import BlobFacts
from webapp.store.queries.deletions import Deletion
from webapp.store.unit import reading

WIDTHS = (160, 320, 640)
# JPEG decodes straight to a smaller size; the others unfold to four bytes a pixel, some of them twice.
_MAX_PIXELS = {"image/jpeg": 50_000_000, "image/png": 20_000_000, "image/webp": 20_000_000}
_QUALITY = 78
# How a JPEG and a PNG end. A copy is not synced when it is kept, so a power cut may leave it empty or half there.
_ENDS = (b"\xff\xd9", b"IEND\xaeB`\x82")
# A decoder may take a few hundred megabytes: one at a time in a process.
_decoding = threading.Lock()


def find_blob(org_id: str, seller: str | None, sha256: str) -> BlobFacts:
    """What is known of a blob that this person may see. Problems `not-found`, `photo-deleted`.

    That is one that an event of the shop speaks of, and for a seller one that shows a parcel of theirs. What was
    sent ahead of its event, or without one, is seen by nobody.
    """
    with reading() as session:
        facts = ask.visible(session, org_id, seller, sha256)
        # Of a seller's the page says where it was; whether there ever was one is not theirs to ask.
        deletion = deletions.find(session, org_id, sha256) if facts is None and seller is None else None
    if deletion is not None:
        raise Problem("photo-deleted", sentence(deletion))
    if facts is None:
        raise Problem("not-found", "There is no such picture, or it is not yours to see.")
    return facts


def sentence(deletion: Deletion) -> str:
    """When and why a picture went."""
    on = f"{deletion.deleted_at:%Y-%m-%d}"
    if deletion.why == deletions.ERASED:
        return f"The picture was erased on {on}, because the person it is of asked. Its digest stays."
    return f"The picture was deleted on {on}, by the shop's rule after {deletion.after_days} days. Its digest stays."


def read_blob(org_id: str, facts: BlobFacts) -> tuple[str, bytes]:
    """Media type and bytes, whole. Problem `not-found` when the store has lost them."""
    try:
        return facts.type, blobs.current().read(org_id, facts.sha256)
    except Missing as error:
        raise Problem("not-found", "The picture's bytes are not in the store any more.") from error


def read_thumbnail(org_id: str, facts: BlobFacts, width: int) -> tuple[str, bytes]:
    """Media type and bytes of a copy at most `width` (one of WIDTHS) pixels wide, made once.

    The picture itself when it is small already, when it cannot be decoded, or when that would take too much.
    """
    if width not in WIDTHS:
        raise Problem(
            "field-invalid", f"A picture comes {', '.join(map(str, WIDTHS))} pixels wide, or whole."
        )
    if (facts.width or 0) > width:
        made = small_copy(org_id, facts, width)
        if made is not None:
            return sniff(made) or "image/jpeg", made
    return read_blob(org_id, facts)


def small_copy(org_id: str, facts: BlobFacts, width: int) -> bytes | None:
    """A copy (JPEG or PNG) at most `width` pixels wide that was decoded whole, made once.

    None when the picture cannot be decoded, or when that would take too much. Problem as of `read_blob`.
    """
    if not may_decode(facts):
        return None
    store, name = blobs.current(), f"w{width}"
    found = store.derived(org_id, facts.sha256, name)
    if found is not None and found.endswith(_ENDS):
        return found
    media_type, whole = read_blob(org_id, facts)
    made = smaller(whole, media_type, width)
    if made is None:
        return None
    if found is not None:  # a torn one of the same size would be taken for this one
        store.drop_derived(org_id, facts.sha256, name)
    store.put_derived(org_id, facts.sha256, name, made)
    with reading() as session:
        if deletions.gone(session, org_id, [facts.sha256]):  # meanwhile: no copy outlives its picture
            store.delete(org_id, facts.sha256)
    return made


def may_decode(facts: BlobFacts) -> bool:
    """Whether the picture is small enough to be decoded whole in this process."""
    pixels = (facts.width or 0) * (facts.height or 0)
    return 0 < pixels <= _MAX_PIXELS.get(facts.type, 0)


@contextmanager
def decoding(facts: BlobFacts) -> Iterator[bool]:
    """Wait for the one place in this process where pictures are decoded whole. Gives whether this one may be."""
    with _decoding:
        yield may_decode(facts)


def smaller(data: bytes, media_type: str, width: int) -> bytes | None:
    """A copy at most so many pixels wide; None when it cannot be decoded. Only what `may_decode` lets."""
    out = io.BytesIO()
    try:
        with _decoding, Image.open(io.BytesIO(data), formats=[media_type.removeprefix("image/")]) as picture:
            if not is_as_told(data, picture.size):
                return None
            picture.draft("RGB", (width, width))
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((width, 2 * width))
            if upright.has_transparency_data:
                upright.save(out, "PNG", optimize=True)
            else:
                upright.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return out.getvalue()
