"""Copies of pictures with printed text blurred, for what leaves the house; the parcel's own tags stay readable.

The blurring is done by the process that may be killed. A picture that cannot be done is left out: never shown whole.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass, field

from sync.evidence.redact import grown
from sync.protocol.codes import key_of
from sync.protocol.problems import Problem
from webapp.services.checking.look import eyes
from webapp.services.open_blob import decoding, find_blob, may_decode, read_blob, smaller
from webapp.services.proving.copies import WIDTH
from webapp.services.proving.gather import Gathered
from webapp.store.queries import evidence
from webapp.store.unit import reading


@dataclass(slots=True)
class Redactor:
    """The copies of one export. `own` are keys of the codes whose tags stay; `signatures` are no printed text."""

    org_id: str
    own: Collection[str]
    signatures: Collection[str]
    failed: set[str] = field(default_factory=set)
    _papers: dict[str, bytes | None] = field(default_factory=dict)

    def whole(self, sha256: str) -> tuple[str, bytes] | None:
        """Media type and bytes of a copy to hand out; None when there can be none. Problem `not-found`."""
        facts = find_blob(self.org_id, None, sha256)
        media_type, data = read_blob(self.org_id, facts)
        made: bytes | None = None
        if sha256 in self.signatures:
            made = data if may_decode(facts) else None
        else:
            with decoding(facts) as is_small:
                made = self._blurred(sha256, data) if is_small else None
            media_type = "image/jpeg"
        if made is None:
            self.failed.add(sha256)
            return None
        self._papers[sha256] = smaller(made, media_type, WIDTH)
        return media_type, made

    def for_paper(self, sha256: str) -> bytes | None:
        """A small one to print; of what was handed out whole before, made of that."""
        if sha256 not in self._papers and sha256 not in self.failed:
            try:
                self.whole(sha256)
            except Problem:
                return None
        return self._papers.get(sha256)

    def _blurred(self, sha256: str, data: bytes) -> bytes | None:
        with reading() as session:
            look = evidence.last_look(session, self.org_id, sha256)
        kept = [grown(read["corners"]) for read in look.get("readings", ()) if read["key"] in self.own]
        answer = eyes().redact(data, kept, (int(look.get("width") or 0), int(look.get("height") or 0)))
        return base64.b64decode(answer["jpeg"]) if "jpeg" in answer else None


def redactor_of(org_id: str, gathered: Gathered) -> Redactor:
    """For what an export shows: the tags of its own parcels stay, everything else that is printed goes."""
    told = gathered.facts.timeline
    named = {
        text for parcel in told["parcels"] for text in (parcel["code"], parcel["tracking_number"]) if text
    }
    roles = {(blob["sha256"], blob["role"]) for event in told["events"] for blob in event["blobs"]}
    signatures = {sha256 for sha256, _ in roles} - {sha256 for sha256, role in roles if role != "signature"}
    return Redactor(org_id, {key_of(text) for text in {*named, *told["names"]}}, signatures)
