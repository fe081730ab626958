"""How long pictures are kept: the least that makes sense, and what typed numbers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync.protocol.problems import Problem
from sync.rules.cases import COMPLAINT_WITHIN
from sync.rules.keeping import LEAST_DAYS, Keeping, checked

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_least_is_the_time_of_a_complaint_r30() -> None:
    assert timedelta(days=LEAST_DAYS) == COMPLAINT_WITHIN
    assert checked("photos", f" {LEAST_DAYS} ") == LEAST_DAYS


@pytest.mark.parametrize("typed", ["39", "0", "-50", "60.5", "sixty", "٦٠", "99999999999", "3651"])
def test_a_number_that_makes_no_sense_is_refused_beside_its_field(typed: str) -> None:
    with pytest.raises(Problem) as refused:
        checked("photos", typed)
    assert (refused.value.code, refused.value.members["field"]) == ("field-invalid", "photos")


def test_nothing_typed_keeps_for_ever() -> None:
    assert checked("photos", "  ") is None
    assert not Keeping().is_on
    assert Keeping().before("photo", NOW) is None


def test_a_tag_goes_with_the_photos_and_a_signature_by_its_own_number() -> None:
    keeping = Keeping(photos=60, signatures=None)
    assert keeping.before("tag", NOW) == keeping.before("photo", NOW) == NOW - timedelta(days=60)
    assert keeping.before("signature", NOW) is None


def test_nothing_goes_before_the_numbers_begin() -> None:
    keeping = Keeping(60, 60, begins_at=NOW)
    assert keeping.before("photo", NOW - timedelta(seconds=1)) is None
    assert keeping.before("photo", NOW) == NOW - timedelta(days=60)


@pytest.mark.parametrize(
    ("new", "old", "is_stricter"),
    [
        (Keeping(60, None), Keeping(), True),
        (Keeping(50, None), Keeping(60, None), True),
        (Keeping(70, 60), Keeping(60, None), True),
        (Keeping(70, None), Keeping(60, None), False),
        (Keeping(60, None), Keeping(60, 60), False),
        (Keeping(), Keeping(60, 60), False),
    ],
)
def test_what_deletes_more_is_stricter(new: Keeping, old: Keeping, is_stricter: bool) -> None:
    assert new.is_stricter_than(old) is is_stricter
