"""What carriers say of parcels: kept whatever it is, once each, and events of the ledger where it is theirs to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.shop import make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import rebuild
from webapp.services.feeds import take
from webapp.services.feeds.reports import Report, Unusable, report_from
from webapp.services.feeds.statuses import read_statuses
from webapp.services.feeds.take import look_ahead, settle_everywhere, settle_waiting, take_reports
from webapp.services.importing import apply, files
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.services.record import Draft, record
from webapp.store.models import Anomaly, CarrierReport, Event, ImportFile, Parcel
from webapp.store.unit import Session, lock_org, reading, transaction

HOUR = timedelta(hours=1)


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    org = make_shop()
    save_carrier(org, "jt", CarrierFacts("J&T Express"), is_new=True)
    save_carrier(org, "spx", CarrierFacts("SPX Express"), is_new=True)
    return org


@pytest.fixture
def office(org_id: str) -> str:
    return make_user(org_id, "office", "Otto")


def parcel(org_id: str, number: str, seed: int = 1, **members: Any) -> str:
    return make_parcels(org_id, 1, seed, tracking_number=number, **{"carrier": "jt", **members})[0]


def say(id_: str, number: str, status: str, at: datetime | None = None, **more: str) -> Report:
    when = at or clock.now() - HOUR
    return report_from({"id": id_, "tracking_number": number, "status": status, **more}, clock.now(), when)


def tell(org_id: str, *reports: Report, carrier: str = "jt", by: str = "api") -> list[str]:
    return [t.outcome for t in take_reports(org_id, carrier, org_id, by, reports, clock.now())]


def held(org_id: str, code: str) -> Parcel:
    with reading() as session:
        return session.get_one(Parcel, (org_id, code))


def events(org_id: str) -> list[Event]:
    with reading() as session:
        query = select(Event).where(Event.org_id == org_id, Event.kind == "carrier_scan").order_by(Event.seq)
        return list(session.execute(query).scalars())


def rows(org_id: str) -> dict[str, str]:
    with reading() as session:
        query = select(CarrierReport.id, CarrierReport.outcome).where(CarrierReport.org_id == org_id)
        return {row[0]: row[1] for row in session.execute(query)}


def hand_over(org_id: str, *codes: str) -> None:
    with transaction() as session:
        lock_org(session, org_id)
        data = {"status": "handed_over"}
        record(session, org_id, org_id, [Draft("resolve", codes, data=data)], clock.now() - 5 * HOUR)


def test_a_carriers_word_moves_the_parcel_at_the_carriers_own_time(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    hand_over(org_id, code)
    at = datetime.now(UTC).replace(microsecond=0) - 2 * HOUR
    assert tell(org_id, say("1", " jx 0000000001", "InTransit", at)) == ["applied"]
    assert tell(org_id, say("2", "JX0000000001", "Delivered", at + HOUR, place="Cebu")) == ["applied"]
    got = held(org_id, code)
    assert (got.status, got.delivered_at) == ("delivered", at + HOUR)
    scan, delivered = events(org_id)
    assert scan.data == {"source": "feed", "via": "api", "report": "1", "word": "InTransit"}
    assert (delivered.data or {})["status"] == "delivered"
    assert (delivered.data or {})["place"] == "Cebu"
    assert (scan.effective_at, scan.carrier) == (at, "jt")


def test_late_and_out_of_order_reports_end_where_they_would_have_in_order(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    hand_over(org_id, code)
    now = clock.now()
    assert tell(org_id, say("3", "JX0000000001", "returned", now - HOUR)) == ["applied"]
    late = [
        say("1", "JX0000000001", "in_transit", now - 3 * HOUR),
        say("2", "JX0000000001", "returning", now - 2 * HOUR),
    ]
    tell(org_id, *reversed(late))
    assert held(org_id, code).status == "returned"
    assert not rebuild.check(clock.now())[1]


def test_the_same_report_by_any_way_and_any_number_of_times_is_one_event(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    one = say("abc", "JX0000000001", "InTransit")
    assert tell(org_id, one, one) == ["applied", "duplicate"]
    assert tell(org_id, one, by="webhook") == ["duplicate"]
    assert len(events(org_id)) == 1
    assert rows(org_id) == {"abc": "applied"}
    # Without an id it is named by what it says.
    nameless = say("", "JX0000000001", "OutForDelivery", clock.now() - HOUR)
    assert tell(org_id, nameless) == ["applied"]
    assert tell(org_id, nameless) == ["duplicate"]
    assert held(org_id, code).status == "out_for_delivery"


def test_another_carriers_event_of_the_same_id_is_another_event(org_id: str) -> None:
    parcel(org_id, "JX0000000001")
    assert tell(org_id, say("1", "JX0000000001", "in_transit")) == ["applied"]
    assert tell(org_id, say("1", "JX0000000001", "delivered"), carrier="spx") == ["applied"]
    with reading() as session:
        query = select(Anomaly.code).where(Anomaly.org_id == org_id, Anomaly.code == "wrong_carrier")
        assert list(session.execute(query).scalars()) == ["wrong_carrier"]


def test_an_id_that_says_something_else_is_kept_beside_and_moves_nothing(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    first, second = say("1", "JX0000000001", "in_transit"), say("1", "JX0000000001", "lost")
    assert tell(org_id, first, second) == ["applied", "conflict"]
    assert tell(org_id, second) == ["conflict"]
    assert held(org_id, code).status == "in_transit"
    assert sorted(rows(org_id).values()) == ["applied", "conflict"]


def test_what_the_carrier_only_knows_of_moves_nothing_and_is_kept(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    assert tell(org_id, say("1", "JX0000000001", "InfoReceived")) == ["told"]
    assert held(org_id, code).status == "expected"
    assert events(org_id) == []
    assert rows(org_id) == {"1": "told"}


def test_an_unknown_parcel_waits_for_its_import(org_id: str, office: str) -> None:
    at = clock.now() - 3 * HOUR
    assert tell(org_id, say("1", "JX0000000009", "in_transit", at)) == ["unknown_parcel"]
    assert settle_waiting(org_id, office, clock.now()) == 0
    code = parcel(org_id, "JX0000000009")
    assert settle_everywhere(clock.now()) == 1
    got = held(org_id, code)
    assert (got.status, rows(org_id)) == ("in_transit", {"1": "applied"})
    assert events(org_id)[0].effective_at == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert settle_everywhere(clock.now()) == 0


def test_an_unknown_word_waits_for_its_translation(
    org_id: str, office: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take, "PART", 2)
    codes = [parcel(org_id, f"JX000000000{n}", seed=n) for n in range(1, 6)]
    words = ["ไม่รู้", "ไม่รู้", "ไม่รู้", "ส่งแล้ว", "ส่งแล้ว"]
    told = [say(str(n), f"JX000000000{n}", word) for n, word in enumerate(words, 1)]
    assert tell(org_id, *told) == ["unknown_status"] * 5
    save_carrier(org_id, "jt", CarrierFacts("J&T", status_words={"ส่งแล้ว": "delivered"}), is_new=False)
    assert settle_waiting(org_id, office, clock.now()) == 0, "only those of the carrier that is meant"
    assert settle_waiting(org_id, office, clock.now(), "jt") == 2
    assert [held(org_id, code).status for code in codes] == ["expected"] * 3 + ["delivered"] * 2
    assert sorted(rows(org_id).values()) == ["applied"] * 2 + ["unknown_status"] * 3


def test_a_tried_delivery_is_on_the_timeline(org_id: str) -> None:
    code = parcel(org_id, "JX0000000001")
    hand_over(org_id, code)
    tell(org_id, say("1", "JX0000000001", "AttemptFail", substatus="AttemptFail_002"))
    assert (events(org_id)[0].data or {})["status"] == "attempt"
    assert held(org_id, code).status == "in_transit"


def test_looking_ahead_changes_nothing_and_says_the_same(org_id: str) -> None:
    parcel(org_id, "JX0000000001")
    at = clock.now() - HOUR
    told = [
        say("1", "JX0000000001", "in_transit", at),
        say("1", "JX0000000001", "in_transit", at),
        say("2", "JX0000000002", "in_transit"),
        say("3", "JX0000000001", "teleported"),
    ]
    ahead = [t.outcome for t in look_ahead(org_id, "jt", told, clock.now())]
    assert ahead == ["applied", "duplicate", "unknown_parcel", "unknown_status"]
    assert (rows(org_id), events(org_id)) == ({}, [])
    assert tell(org_id, *told) == ahead


def test_another_shops_parcels_are_not_known_here(org_id: str) -> None:
    parcel(make_shop("Another"), "JX0000000001")
    assert tell(org_id, say("1", "JX0000000001", "in_transit")) == ["unknown_parcel"]
    stranger = make_shop("A third")
    with pytest.raises(Problem) as refused:
        tell(stranger, say("1", "JX0000000001", "in_transit"))
    assert refused.value.code == "not-found"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"status": "x", "at": "2026-11-22T07:15:30Z"}, "tracking_number"),
        ({"tracking_number": " ", "status": "x", "at": "2026-11-22T07:15:30Z"}, "tracking_number"),
        ({"tracking_number": 12, "status": "x", "at": "2026-11-22T07:15:30Z"}, "tracking_number"),
        ({"tracking_number": "J" * 65, "status": "x", "at": "2026-11-22T07:15:30Z"}, "tracking_number"),
        ({"tracking_number": "J", "at": "2026-11-22T07:15:30Z"}, "status"),
        ({"tracking_number": "J", "status": "x"}, "at"),
        ({"tracking_number": "J", "status": "x", "at": "2026-11-22T07:15:30"}, "at"),
        ({"tracking_number": "J", "status": "x", "at": "yesterday"}, "at"),
        ({"tracking_number": "J", "status": "x", "at": "2999-11-22T07:15:30Z"}, "at"),
        ({"tracking_number": "J", "status": "x", "at": "0001-01-01T00:00:00+23:00"}, "at"),
        ({"tracking_number": "J", "status": "x", "at": "1999-11-22T07:15:30Z"}, "at"),
        (
            {"tracking_number": "J", "status": "x", "at": "2026-11-22T07:15:30Z", "vocabulary": "k"},
            "vocabulary",
        ),
        ({"tracking_number": "J", "status": "x", "at": "2026-11-22T07:15:30Z", "id": "x" * 129}, "id"),
    ],
)
def test_what_cannot_be_kept_says_which_part(said: dict[str, Any], field: str) -> None:
    with pytest.raises(Unusable) as bad:
        report_from(said, datetime(2026, 11, 23, tzinfo=UTC))
    assert bad.value.field == field


def test_a_file_is_read_with_every_bad_row_named_and_twice_is_once(
    org_id: str, office: str, tmp_path: Path
) -> None:
    code = parcel(org_id, "JX0000000001")
    file = tmp_path / "statuses.csv"
    file.write_text(
        "Tracking Number;Tag;Subtag;Checkpoint Time;Location\n"
        "JX0000000001;InTransit;InTransit_003;2026-11-20 09:00;Manila\n"
        ";InTransit;;2026-11-20 09:00;\n"
        "JX0000000001;Delivered;;22/11/2026 14:05;\n"
        "JX0000000001;Delivered;Delivered_003;2026-11-21T14:05:00+08:00;Cebu\n"
        "JX0000000002;Delivered;;2026-11-21 14:05;\n",
        encoding="utf-8",
    )
    now = datetime(2026, 11, 25, tzinfo=UTC)
    ahead = read_statuses(org_id, office, file, {"carrier": "jt"}, now, False)
    assert dict(ahead.counts) == {"applied": 2, "unknown_parcel": 1}
    assert events(org_id) == []
    done = read_statuses(org_id, office, file, {"carrier": "jt"}, now, True)
    assert dict(done.counts) == {"applied": 2, "unknown_parcel": 1}
    assert [(bad.row, bad.column) for bad in done.rejected] == [(3, "Tracking ID"), (4, "Time")]
    assert held(org_id, code).delivered_at == datetime(2026, 11, 21, 6, 5, tzinfo=UTC)
    again = read_statuses(org_id, office, file, {"carrier": "jt"}, now, True)
    assert dict(again.counts) == {"duplicate": 3}
    assert len(events(org_id)) == 2


def test_a_file_under_way_says_in_each_part_how_far_it_is(
    org_id: str, office: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "statuses.csv"
    lines = [f"JX000000000{number},Delivered,2026-11-21T14:05:00+08:00\n" for number in range(3)]
    file.write_text("Tracking ID,Status,Time\n" + "".join(lines), encoding="utf-8")
    with file.open("rb") as stream:
        told = files.receive(org_id, office, file.name, stream, clock.now(), "statuses", {"carrier": "jt"})
    far: list[int] = []
    beat = files.beat

    def listen(session: Session, *told: Any) -> None:
        beat(session, *told)
        far.append(session.get_one(ImportFile, (org_id, told[1])).rows_done)

    monkeypatch.setattr(take, "PART", 2)
    monkeypatch.setattr(files, "beat", listen)
    apply.run_import(org_id, told)
    assert far == [], "a preview takes nothing"
    files.queue(org_id, told, office, clock.now())
    apply.run_import(org_id, told)
    assert far == [2, 3]


def test_a_file_without_its_columns_is_refused_whole(org_id: str, office: str, tmp_path: Path) -> None:
    file = tmp_path / "statuses.csv"
    file.write_text("Name,Value\nA,B\n", encoding="utf-8")
    with pytest.raises(Problem) as refused:
        read_statuses(org_id, office, file, {"carrier": "jt"}, clock.now(), False)
    assert refused.value.code == "import-columns"
    assert "“Tracking ID”, “Status”, “Time”" in refused.value.detail
