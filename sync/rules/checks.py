"""What a `check` event says: the findings of the pictures of one proof, and the parcels each of them concerns.

`data` is `{"v": 1, "findings": [{"code": …, "detail": …, "parcels": [codes] or absent for all it names}]}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def findings_of(data: Mapping[str, Any], parcel: str) -> Iterator[tuple[str, str]]:
    """(code, detail) of the findings that concern this parcel; what cannot be read says nothing."""
    findings = data.get("findings")
    for finding in findings if isinstance(findings, list) else ():
        if not isinstance(finding, Mapping) or not isinstance(finding.get("code"), str):
            continue
        parcels = finding.get("parcels")
        if parcels is None or (isinstance(parcels, list) and parcel in parcels):
            yield finding["code"], str(finding.get("detail") or "")
