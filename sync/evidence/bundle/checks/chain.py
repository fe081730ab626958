"""The chain: events of one phone follow each other, and what lies between them is accounted for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sync.evidence.bundle.checks.events import place
from sync.evidence.bundle.checks.keys import Ring
from sync.evidence.bundle.contents import Bundle, Line


def check_chains(bundle: Bundle, ring: Ring) -> None:
    """Every device's: forks, breaks, gaps, and what was left out because it is about other parcels."""
    by_device: dict[str, list[Line]] = {}
    for line in bundle.events:
        if line.envelope:
            by_device.setdefault(line.payload["device"], []).append(line)
    told = {chain["device"]: chain for chain in bundle.sealed.get("chains") or []}
    for device, lines in by_device.items():
        chain = told.get(device, {})
        forks = {fork["seq"]: set(fork["sha256"] or []) for fork in chain.get("forks") or []}
        for seq in forks:
            bundle.findings.add("chain_fork", f"{_name(ring, device)}, no. {seq}")
        course = sorted(lines, key=lambda line: (line.payload["seq"], line.sha256))
        for earlier, later in pairwise(course):
            _check_pair(bundle, ring, earlier, later, chain, forks)
        _check_ends(bundle, ring, course, chain)


def _check_pair(
    bundle: Bundle, ring: Ring, earlier: Line, later: Line, chain: dict[str, Any], forks: dict[int, set[str]]
) -> None:
    before, now = earlier.payload["seq"], later.payload["seq"]
    named = later.payload.get("prev")
    if now == before:
        if earlier.sha256 != later.sha256:
            bundle.findings.add("chain_fork", f"{_name(ring, later.payload['device'])}, no. {now}")
    elif now == before + 1:
        if named != earlier.sha256 and named not in forks.get(before, set()):
            bundle.findings.add("chain_broken", place(later))
    elif _is_servers(ring, later.payload["device"]):
        return  # the office's record of the whole shop: the server is a party, and vouches for itself alone
    else:
        _check_between(bundle, ring, later, before + 1, chain)


def _check_between(bundle: Bundle, ring: Ring, later: Line, first: int, chain: dict[str, Any]) -> None:
    """The stretches must lie side by side from `first` up to the event, and end with what its maker signed."""
    where, last = place(later), later.payload["seq"] - 1
    following, ending = first, None
    for stretch in chain.get("between") or []:
        if not first <= stretch["first"] <= last:
            continue
        if stretch["first"] != following or not stretch["first"] <= stretch["last"] <= last:
            bundle.findings.add("chain_unaccounted", where)
            return
        if stretch.get("sha256") is None:
            _gap(bundle, ring, later.payload["device"], stretch)
        following, ending = stretch["last"] + 1, stretch.get("last_sha256")
    if following != last + 1:
        bundle.findings.add("chain_unaccounted", where)
    elif ending is not None and ending != later.payload.get("prev"):
        bundle.findings.add("chain_broken", where)


def _check_ends(bundle: Bundle, ring: Ring, course: list[Line], chain: dict[str, Any]) -> None:
    first = course[0].payload
    device = first["device"]
    if (first["seq"] == 1) != (first.get("prev") is None):
        bundle.findings.add("chain_broken", place(course[0]))
    for stretch in chain.get("between") or []:
        if stretch["last"] == first["seq"] - 1 and stretch.get("sha256") is None:
            _gap(bundle, ring, device, stretch)
    if not _is_servers(ring, device):
        for stretch in chain.get("after") or []:
            bundle.findings.add("chain_gap_after", _numbers(ring, device, stretch))


def _gap(bundle: Bundle, ring: Ring, device: str, stretch: dict[str, Any]) -> None:
    bundle.findings.add("chain_gap", _numbers(ring, device, stretch))


def _numbers(ring: Ring, device: str, stretch: dict[str, Any]) -> str:
    first, last = stretch["first"], stretch["last"]
    numbers = f"no. {first}" if first == last else f"no. {first} to {last}"
    return f"{_name(ring, device)}, {numbers}"


def _name(ring: Ring, device: str) -> str:
    holder = ring.holder(device)
    return str(holder["label"]) if holder is not None and holder["label"] else device


def _is_servers(ring: Ring, device: str) -> bool:
    holder = ring.holder(device)
    return holder is not None and holder["kind"] == "server"
