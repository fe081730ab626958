"""One thing a carrier says of a parcel, as it came: checked in form only, whatever it means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sync.protocol.codes import MAX_TRACKING, tracking_key
from sync.protocol.times import format_time
from sync.rules.vocabulary import VOCABULARIES

MAX_ID, MAX_WORD, MAX_PLACE, MAX_NOTE = 128, 128, 255, 1000
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # a carrier's clock may be off; a day and more is a mistake


class Unusable(ValueError):
    """A report that says nothing that can be kept: `field` names the member, the text says what is wrong with it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Report:
    """A carrier's word for a parcel, `at` its own time; `id` is the feed's own event id, or made of all the rest."""

    id: str
    tracking_number: str
    word: str
    at: datetime
    finer: str = ""
    vocabulary: str = ""
    place: str = ""
    note: str = ""

    @property
    def digest(self) -> str:
        """Of what it says: two with one id and one digest are the same report, sent again."""
        said = [self.tracking_number, self.word, self.finer, self.vocabulary, format_time(self.at)]
        return hashlib.sha256(json.dumps([*said, self.place, self.note]).encode()).hexdigest()


def report_from(said: Mapping[str, Any], now: datetime, when: datetime | None = None) -> Report:
    """A report from its members as text: tracking_number, status, at and, if they are there, id, substatus, vocabulary,
    place, note. `tag`/`subtag` (AfterShip) and `bizStep`/`disposition` (EPCIS) stand for status and substatus.

    `when` is its time, where the caller has read it already. Raises `Unusable`.
    """
    number = tracking_key(_text(said, "tracking_number", MAX_TRACKING))
    if not number:
        raise Unusable("tracking_number", "There is no tracking number.")
    word, finer, vocabulary = _words(said)
    at = when or _time(said.get("at"))
    if at > now + AHEAD:
        raise Unusable("at", f"{format_time(at)} has not come yet.")
    if at < EARLIEST:
        raise Unusable("at", f"{format_time(at)} is too long ago to be true.")
    report = Report(
        _text(said, "id", MAX_ID),
        number,
        word,
        at,
        finer,
        vocabulary,
        _text(said, "place", MAX_PLACE),
        _text(said, "note", MAX_NOTE),
    )
    if report.id:
        return report
    return Report(f"~{report.digest[:40]}", *_rest(report))


def _rest(report: Report) -> tuple[Any, ...]:
    return (
        report.tracking_number,
        report.word,
        report.at,
        report.finer,
        report.vocabulary,
        report.place,
        report.note,
    )


def _words(said: Mapping[str, Any]) -> tuple[str, str, str]:
    vocabulary = _text(said, "vocabulary", 16)
    if vocabulary and vocabulary not in VOCABULARIES:
        raise Unusable("vocabulary", f"A vocabulary is one of {', '.join(VOCABULARIES)}.")
    for status, finer, its in (
        ("status", "substatus", ""),
        ("tag", "subtag", "aftership"),
        ("bizStep", "disposition", "epcis"),
    ):
        word, second = _text(said, status, MAX_WORD), _text(said, finer, MAX_WORD)
        if word or (second and its == "epcis"):
            return word, second, vocabulary or its
    raise Unusable("status", "There is no status.")


def _text(said: Mapping[str, Any], field: str, most: int) -> str:
    value = said.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable(field, f"{field} must be text.")
    text = value.strip()
    if len(text) > most:
        raise Unusable(field, f"{field} has more than {most} characters.")
    return text


def _time(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unusable("at", "Write the time with its zone, as 2026-11-22T07:15:30Z.")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise Unusable("at", "This is no time that can be kept.") from error
