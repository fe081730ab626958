"""Cases on both databases: opened about parcels, gone on with step by step, and what they do to the ledger."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.exports import order_id, ready, row
from webapp.services import drop_unreferenced_blobs as sweep
from webapp.services import rebuild
from webapp.services.cases import incident, proofs, steps
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.deadlines import judgement_of
from webapp.store import blobs
from webapp.store.models import Case, CaseEntry, Event, OfficeFile
from webapp.store.queries import cases as ask
from webapp.store.unit import reading

DAY = timedelta(days=1)


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def opened(books: Books, kind: str = "complaint", **members: object) -> str:
    told = {"kind": kind, "title": "It never came", "words": "", "named": (order_id(1),), **members}
    return open_case(books.org, books.user, Wanted(**told), NOW)  # type: ignore[arg-type]


def test_a_form_sent_twice_opens_one_case_and_another_is_another(books: Books) -> None:
    books.put(row(1), row(2))
    case = opened(books)
    assert opened(books) == case
    assert kinds(books, case) == ["opened"]
    others = {
        opened(books, title="Nor the other"),
        opened(books, named=(order_id(2),)),
        opened(books, "loss"),
    }
    assert len({case, *others}) == 4


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("54.8", "54.80"), ("12,50", "12.50"), ("150.000", "150000.00"), ("Rp 1.250.000", "1250000.00")],
)
def test_an_amount_is_read_as_the_markets_write_it(books: Books, typed: str, kept: str) -> None:
    books.put(row(1))
    case = opened(books, "refund")
    steps.set_money(books.org, books.user, case, "done", typed, "", NOW)
    assert str(held(books, case).refund_amount) == kept


def held(books: Books, case_id: str) -> Case:
    with reading() as session:
        return session.get_one(Case, (books.org, case_id))


def kinds(books: Books, case_id: str) -> list[str]:
    with reading() as session:
        return [entry.kind for entry in ask.entries(session, books.org, case_id)]


def refused(code: str, field: str | None = None) -> object:
    return pytest.raises(Problem, check=lambda p: p.code == code and p.members.get("field") == field)


def test_a_complaint_is_numbered_dated_and_about_its_parcels(books: Books) -> None:
    books.put(ready(1), ready(2))
    first, second = opened(books), opened(books, named=("MY600000000002", order_id(1)))
    assert (held(books, first).number, held(books, second).number) == (1, 2)
    assert held(books, first).due_at == NOW + 40 * DAY
    with reading() as session:
        assert len(ask.codes_of(session, books.org, second)) == 2
        assert [case.number for case in ask.of_parcel(session, books.org, books.parcels()[0].code)] == [2, 1]


def test_money_comes_back_for_what_was_paid_beforehand_and_is_tracked_to_its_end(books: Books) -> None:
    books.put(row(1, payment_method="Online banking"), row(2, payment_method="Cash on delivery"))
    case = opened(books, "refund")
    assert (held(books, case).refund, str(held(books, case).refund_amount)) == ("expected", "54.80")
    assert held(books, opened(books, "refund", named=(order_id(2),))).refund == "none"
    with refused("conflict"):
        steps.close_case(books.org, books.user, case, "accepted", "Done", NOW)
    steps.set_money(books.org, books.user, case, "done", "1,054.8", "Payout 17", NOW)
    assert str(held(books, case).refund_amount) == "1054.80"
    steps.close_case(books.org, books.user, case, "accepted", "It came", NOW)
    assert (held(books, case).state, held(books, case).outcome) == ("closed", "accepted")
    assert kinds(books, case) == ["opened", "asked", "money", "closed"]


def test_money_cannot_be_expected_of_a_case_that_was_closed_meanwhile(books: Books) -> None:
    books.put(row(1, payment_method="Online banking"))
    case = opened(books)
    steps.close_case(books.org, books.user, case, "settled", "They agreed", NOW)
    with refused("conflict"):
        steps.set_money(books.org, books.user, case, "expected", "12.00", "Agreed", NOW)
    assert (held(books, case).refund, kinds(books, case)) == ("none", ["opened", "closed"])
    steps.reopen_case(books.org, books.user, case, "They did not", NOW)
    steps.set_money(books.org, books.user, case, "expected", "12.00", "Agreed", NOW)
    assert held(books, case).refund == "expected"


def test_of_an_order_in_two_parcels_one_lost_one_does_not_bring_all_of_the_money_back(books: Books) -> None:
    both = {"payment_method": "Online banking", "amount": "MYR 100.00"}
    books.put(
        ready(1, **both),
        ready(1, **both, sku_id="1729000000000000999", package_id="1150000000000000999", tracking="MY999"),
        ready(2, payment_method="Online banking"),
    )
    one = opened(books, "loss", named=("MY999",))
    assert (held(books, one).refund, held(books, one).refund_amount) == ("expected", None)
    assert str(held(books, opened(books, "loss", title="Both")).refund_amount) == "100.00"
    mixed = opened(books, "loss", named=("MY999", order_id(2)))
    assert held(books, mixed).refund_amount is None
    other = next(p.code for p in books.parcels() if p.tracking_number == "MY600000000001")
    books.record("cancel", other, reason="out_of_stock")
    only = opened(books, "damage", named=("MY999",))
    assert str(held(books, only).refund_amount) == "100.00"


@pytest.mark.parametrize("amount", ["1q2", "-1", "NaN", "Infinity", "1e30"])
def test_an_amount_that_is_none_is_refused(books: Books, amount: str) -> None:
    books.put(row(1))
    case = opened(books, "refund")
    with refused("field-invalid", "amount"):
        steps.set_money(books.org, books.user, case, "done", amount, "", NOW)
    assert kinds(books, case) == ["opened", "asked"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"kind": "quarrel"}, "kind"),
        ({"title": " "}, "title"),
        ({"named": ()}, "parcels"),
        ({"named": ("NOSUCH123",)}, "parcels"),
        ({"fault": "me"}, "fault"),
        ({"kind": "force_majeure"}, "starts_at"),
        ({"kind": "force_majeure", "starts_at": NOW, "ends_at": NOW}, "ends_at"),
    ],
)
def test_a_case_that_says_too_little_is_not_opened(
    books: Books, members: dict[str, object], field: str
) -> None:
    books.put(row(1))
    with refused("field-invalid", field):
        opened(books, **members)  # type: ignore[arg-type]
    assert books.count(Case) == 0


def test_r31_force_majeure_pauses_its_parcels_deadlines_and_ends_with_the_case(books: Books) -> None:
    books.put(ready(1, created_at="20/11/2026 09:00:00"), ready(2))
    case = opened(books, "force_majeure", starts_at=NOW - DAY, places="Bangkok")
    hit, other = (next(p for p in books.parcels() if (p.tracking_number or "").endswith(n)) for n in "12")
    assert (hit.flags["force_majeure"], bool(other.flags.get("force_majeure"))) == (True, False)
    assert not hit.flags["on_hold"]
    assert "paused" in states(books, hit.code)
    assert "open" not in states(books, hit.code)
    assert "open" in states(books, other.code)
    with reading() as session:
        event = session.execute(
            select(Event).where(Event.org_id == books.org, Event.kind == "hold")
        ).scalar_one()
    assert event.data["incident"] == case
    steps.set_period(books.org, books.user, case, NOW - DAY, NOW - timedelta(hours=1), "It is over", NOW)
    assert "paused" not in states(books, hit.code)
    assert "open" in states(books, hit.code)
    steps.close_case(books.org, books.user, case, "over", "The water is gone", NOW + DAY)
    assert not books.parcels()[0].flags["force_majeure"]
    steps.reopen_case(books.org, books.user, case, "It rains again", NOW + 2 * DAY)
    assert not any(parcel.flags["force_majeure"] for parcel in books.parcels()), "its period is over"
    steps.set_period(books.org, books.user, case, NOW + 2 * DAY, None, "It lasts", NOW + 2 * DAY)
    assert any(parcel.flags["force_majeure"] for parcel in books.parcels())
    assert not rebuild.check(NOW)[1]


def test_r31_force_majeure_pauses_what_is_known_only_from_a_scan(books: Books) -> None:
    books.record("collect", "JT0012345678")
    code = books.parcel().code
    assert not books.parcel().is_known
    assert states(books, code) == {"open"}
    case = opened(books, "force_majeure", named=("JT0012345678",), starts_at=NOW - DAY)
    assert books.parcel().flags["force_majeure"]
    assert states(books, code) == {"paused"}
    steps.close_case(books.org, books.user, case, "over", "The water is gone", NOW)
    assert not books.parcel().flags["force_majeure"]
    assert not rebuild.check(NOW)[1]


@pytest.mark.parametrize("step", ["open", "close", "reopen", "period"])
def test_a_case_never_changes_without_its_parcels_deadlines(
    books: Books, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    books.put(ready(1))
    case = "" if step == "open" else opened(books, "force_majeure", starts_at=NOW - DAY)
    who = (books.org, books.user, case)
    if step == "reopen":
        steps.close_case(*who, "over", "The water is gone", NOW)
    before = kinds(books, case)

    def busy(*_: object) -> None:
        raise Problem("busy", "Not now")

    take = {
        "open": lambda: opened(books, "force_majeure", starts_at=NOW),
        "close": lambda: steps.close_case(*who, "over", "The water is gone", NOW),
        "reopen": lambda: steps.reopen_case(*who, "It rains again", NOW),
        "period": lambda: steps.set_period(*who, NOW - DAY, NOW, "It is over", NOW),
    }[step]
    with monkeypatch.context() as broken, refused("busy"):
        broken.setattr(incident, "record", busy)
        take()
    assert (kinds(books, case), books.count(Case)) == (before, 0 if step == "open" else 1)
    take()
    # The changed period was over by then: it pauses afterwards, and lasts no more.
    assert books.parcel().flags["force_majeure"] is (step not in {"close", "period"})


def states(books: Books, code: str) -> set[str]:
    with reading() as session:
        return {deadline.state for deadline in judgement_of(session, books.org, code, NOW).deadlines}


def test_r31_all_that_waits_at_a_place_is_taken_in(books: Books) -> None:
    from webapp.services.keep_places import PlaceFacts, save_place

    place = save_place(books.org, None, PlaceFacts("Main", "pickup", "", None))
    books.put(ready(1), row(2))
    from sqlalchemy import update

    from webapp.store.models import Parcel
    from webapp.store.unit import transaction

    with transaction() as session:
        session.execute(update(Parcel).where(Parcel.org_id == books.org).values(place_id=place))
    case = opened(books, "force_majeure", named=(), place_id=place, starts_at=NOW)
    with reading() as session:
        assert len(ask.codes_of(session, books.org, case)) == 2


def test_every_step_is_a_row_of_its_own_that_says_who_and_why(books: Books) -> None:
    books.put(ready(1))
    case = opened(books)
    who = (books.org, books.user, case)
    steps.add_note(*who, "Called the carrier", NOW)
    steps.set_fault(*who, "seller_label", "A QR code on it", NOW)
    steps.set_due(*who, NOW + DAY, "The marketplace says so", NOW)
    for call in (
        lambda: steps.add_note(*who, "  ", NOW),
        lambda: steps.set_fault(*who, "seller_label", "", NOW),
        lambda: steps.close_case(*who, "accepted", " ", NOW),
        lambda: steps.close_case(*who, "won", "x", NOW),
    ):
        with pytest.raises(Problem):
            call()
    assert kinds(books, case) == ["opened", "note", "fault", "due"]
    assert (held(books, case).fault, held(books, case).due_at) == ("seller_label", NOW + DAY)
    with reading() as session:
        rows = session.execute(select(CaseEntry).where(CaseEntry.org_id == books.org)).scalars().all()
    assert {entry.made_by for entry in rows} == {books.user}


def test_records_of_its_parcels_are_proofs_and_no_others(books: Books) -> None:
    books.put(ready(1), ready(2))
    codes = sorted(books.parcels(), key=lambda p: p.tracking_number or "")
    for parcel in codes:
        books.record("collect", parcel.code)
    case = opened(books)
    with reading() as session:
        [offer] = ask.offers(session, books.org, case, [])
        other = session.execute(
            select(Event.id).where(
                Event.org_id == books.org, Event.kind == "collect", Event.id != offer.event_id
            )
        ).scalar_one()
    assert offer.parcel == codes[0].code
    assert proofs.attach_events(books.org, books.user, case, [offer.event_id, offer.event_id], "", NOW) == 1
    assert proofs.attach_events(books.org, books.user, case, [offer.event_id], "", NOW) == 0
    with refused("not-found"):
        proofs.attach_events(books.org, books.user, case, [other], "", NOW)
    with reading() as session:
        assert ask.offers(session, books.org, case, [offer.event_id]) == []


def test_an_uploaded_file_is_kept_for_good_and_only_what_can_be_shown_is_taken(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.put(ready(1))
    case = opened(books)
    proofs.attach_file(books.org, books.user, case, "chat.txt", "He said so: đ".encode(), "The chat", NOW)
    for bad in (b"", b"MZ\0\1\xff\xfe", b"PK\3\4\0\0\xff"):
        with refused("field-invalid", "file"):
            proofs.attach_file(books.org, books.user, case, "x", bad, "", NOW)
    monkeypatch.setattr(sweep, "UNREFERENCED_AFTER", -DAY)
    monkeypatch.setattr(sweep, "STRAY_AFTER", -DAY)
    sweep.drop_unreferenced_blobs(NOW + 365 * DAY)
    with reading() as session:
        file = session.execute(select(OfficeFile).where(OfficeFile.org_id == books.org)).scalar_one()
    assert proofs.read_file(books.org, file).decode() == "He said so: đ"


def test_a_file_deleted_with_a_reason_is_gone_and_its_story_stays(books: Books) -> None:
    books.put(ready(1))
    case, other = opened(books), opened(books, title="Nor did the other")
    who = (books.org, books.user, case)
    data = b"somebody else's letter"
    for of in (case, other):
        proofs.attach_file(books.org, books.user, of, "scan.txt", data, "The letter", NOW)
    with refused("field-invalid", "remove_words"):
        proofs.remove_file(*who, 2, " ", NOW)
    proofs.remove_file(*who, 2, "It is another customer's", NOW)
    assert kinds(books, case) == ["opened", "proof", "file_removed"]
    with reading() as session:
        left = list(session.execute(select(OfficeFile).where(OfficeFile.org_id == books.org)).scalars())
        entries = ask.entries(session, books.org, case)
    assert [file.subject for file in left] == [other]
    assert blobs.current().has(books.org, left[0].sha256), "the other case has the very same bytes"
    assert (entries[1].file, entries[1].words, entries[1].data["sha256"]) == (
        None,
        "The letter",
        left[0].sha256,
    )
    proofs.remove_file(books.org, books.user, other, 2, "Nor is it here", NOW)
    assert not blobs.current().has(books.org, left[0].sha256)
    for position in (1, 2, 9):
        with refused("not-found"):
            proofs.remove_file(*who, position, "Once more", NOW)
    proofs.attach_file(*who, "scan.txt", data, "After all", NOW)
    assert blobs.current().has(books.org, left[0].sha256)


def test_a_letter_is_kept_as_it_was_written_and_said_to_be_sent_once_it_was(books: Books) -> None:
    books.put(ready(1))
    case = opened(books)
    who = (books.org, books.user, case)
    at = proofs.keep_letter(*who, "refund_notice", "vi", "Kính gửi …", NOW)
    proofs.letter_was_sent(*who, at, "By chat", NOW)
    assert kinds(books, case) == ["opened", "letter", "sent"]
    with refused("not-found"):
        proofs.letter_was_sent(*who, 1, "By chat", NOW)
    with refused("field-invalid", "letter"):
        proofs.keep_letter(*who, "appeal", "vi", "x", NOW)


def test_another_shops_case_cannot_be_touched(books: Books, tmp_path: Path) -> None:
    books.put(ready(1))
    case = opened(books)
    stranger = Books(tmp_path)
    with refused("not-found"):
        steps.add_note(stranger.org, stranger.user, case, "x", NOW)
