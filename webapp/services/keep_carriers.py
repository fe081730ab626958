"""Keep the shop's carriers: our word for each, what its numbers and words look like, its contract (`R19`, `R20`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sync.protocol.problems import Problem
from sync.rules.carriers import BY_CODE, CHECKS, named, starting_pattern
from sync.rules.vocabulary import MEANINGS
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
    """A carrier as the office writes it down; `names` are the words exports use for it.

    `check` is a check digit that its numbers must have, `built_in` its code in the public table, `status_words` its own
    words with what each means, `areas` where it delivers: `{area, price, days}`, the area "" for everywhere.
    """

    name: str
    names: tuple[str, ...] = ()
    tracking_pattern: str = ""
    provider_id: str = ""
    check: str = ""
    built_in: str = ""
    contract_ref: str = ""
    contract_until: date | None = None
    status_words: Mapping[str, str] = field(default_factory=dict)
    areas: Sequence[Mapping[str, Any]] = ()


def facts_from_table(code: str) -> CarrierFacts:
    """What a shop's carrier begins with when it is one of the public table. Problem `field-invalid`."""
    known = BY_CODE.get(code)
    if known is None:
        raise Problem("field-invalid", "The table has no such carrier.", field="built_in")
    pattern, check = starting_pattern(known)
    names = tuple(dict.fromkeys((known.name, *known.names)))
    return CarrierFacts(known.name, names, pattern or "", check=check or "", built_in=known.code)


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
        carrier.check_digit = facts.check or None
        carrier.built_in = facts.built_in or _table_code(facts)
        carrier.contract_ref = facts.contract_ref.strip() or None
        carrier.contract_until = facts.contract_until
        carrier.status_words = dict(facts.status_words)
        carrier.areas = [dict(area) for area in facts.areas]


def _table_code(facts: CarrierFacts) -> str | None:
    """Its code in the public table, if it is called like one of it."""
    found = next(filter(None, map(named, (facts.name, *facts.names))), None)
    return found.code if found else None


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
    if len(facts.contract_ref) > 128:
        raise Problem("field-invalid", "A contract's number has up to 128 characters.", field="contract_ref")
    if facts.check and facts.check not in CHECKS:
        raise Problem("field-invalid", "Choose one of the check digits that are known here.", field="check")
    if facts.built_in and facts.built_in not in BY_CODE:
        raise Problem("field-invalid", "The table has no such carrier.", field="built_in")
    _check_lists(facts)
    pattern = facts.tracking_pattern.strip()
    if pattern and not is_plain(pattern):
        raise Problem(
            "field-invalid",
            "This pattern cannot be used. Write one like ^JT\\d{12}$.",
            field="tracking_pattern",
        )


def _check_lists(facts: CarrierFacts) -> None:
    if len(facts.status_words) > 500:
        raise Problem("field-invalid", "A carrier has up to 500 words of its own.", field="status_words")
    for word, its in facts.status_words.items():
        if not word.strip() or len(word) > 128 or its not in MEANINGS:
            text = f"“{word[:40]}” must mean one of {', '.join(MEANINGS)}."
            raise Problem("field-invalid", text, field="status_words")
    if len(facts.areas) > 500:
        raise Problem("field-invalid", "A carrier has up to 500 areas.", field="areas")


def is_plain(pattern: str) -> bool:
    """Whether a pattern is quick on any text and means the same in Python and in JavaScript."""
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
