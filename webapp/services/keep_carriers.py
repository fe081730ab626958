"""Keep the shop's carriers: our word for each, what exports call it, what its tracking numbers look like (`R19`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sync.protocol.problems import Problem
from webapp.store.models import Carrier
from webapp.store.queries import places
from webapp.store.unit import lock_org, transaction

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
# A pattern runs on every scan of every phone, in JavaScript and in Python: nothing that only one of them
# knows (other than plain groups), and no group repeated without end, which a long text can make run for ever.
_UNSAFE = re.compile(r"\(\?(?!:)|\)[+*{]|[*+?}]\+")
_FOREIGN = re.compile(r"\\[AZzGQE]")
# Each place where a text can be split in another way multiplies the work: one without end, four in all.
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^]\\])*\]")
_ENDLESS = re.compile(r"[*+]|\{\d*,\}")
_ELASTIC = re.compile(r"[*+?(]|\{\d*,\d*\}")


@dataclass(frozen=True, slots=True)
class CarrierFacts:
    """A carrier as the office writes it down; `names` are the words exports use for it."""

    name: str
    names: tuple[str, ...] = ()
    tracking_pattern: str = ""
    provider_id: str = ""


def save_carrier(org_id: str, code: str, facts: CarrierFacts, *, is_new: bool) -> None:
    """Add or change a carrier. Problems `field-invalid` (with `field`), `conflict`, `not-found`."""
    _check(code, facts)
    with transaction() as session:
        lock_org(session, org_id)
        held = places.find_carrier(session, org_id, code)
        if is_new and held is not None:
            raise Problem("conflict", f"There is a carrier {code} already.", field="code")
        if not is_new and held is None:
            raise Problem("not-found", "There is no such carrier in this shop.")
        carrier = held or Carrier(org_id=org_id, code=code, name="")
        if held is None:
            session.add(carrier)
        carrier.name = facts.name.strip()
        carrier.names = [name.strip() for name in facts.names if name.strip()]
        carrier.tracking_pattern = facts.tracking_pattern.strip() or None
        carrier.provider_id = facts.provider_id.strip() or None


def remove_carrier(org_id: str, code: str) -> None:
    """Forget a carrier that nothing names. Problems `not-found`, `still-used`."""
    with transaction() as session:
        lock_org(session, org_id)
        carrier = places.find_carrier(session, org_id, code)
        if carrier is None:
            raise Problem("not-found", "There is no such carrier in this shop.")
        parcels, runs = places.uses_of_carrier(session, org_id, code)
        if parcels or runs:
            raise Problem("still-used", f"{parcels} parcels and {runs} runs name this carrier.")
        session.delete(carrier)


def _check(code: str, facts: CarrierFacts) -> None:
    if not _CODE.fullmatch(code):
        raise Problem("field-invalid", "A code has up to 32 letters, digits, dots and dashes.", field="code")
    if not 1 <= len(facts.name.strip()) <= 120:
        raise Problem("field-invalid", "Give the carrier a name of up to 120 characters.", field="name")
    if len(facts.provider_id) > 64:
        raise Problem("field-invalid", "A provider id has up to 64 characters.", field="provider_id")
    pattern = facts.tracking_pattern.strip()
    if pattern and not _is_plain(pattern):
        raise Problem(
            "field-invalid",
            "This pattern cannot be used. Write one like ^JT\\d{12}$.",
            field="tracking_pattern",
        )


def _is_plain(pattern: str) -> bool:
    bones = _LITERAL.sub("x", pattern)
    if len(pattern) > 200 or _FOREIGN.search(pattern) or _UNSAFE.search(bones):
        return False
    bones = bones.replace("(?:", "(")
    if len(_ENDLESS.findall(bones)) > 1 or len(_ELASTIC.findall(bones)) > 4:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
