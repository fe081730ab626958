"""Every day that is over gets its stamp from a real authority; one in trouble is asked again, and it is said."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, update

from sync.evidence.bundle.verify import Verdict, verify_bundle
from sync.evidence.timestamp import merkle, token
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tsa import NAME, TimeAuthority
from webapp import clock
from webapp.extensions import db
from webapp.services.notices import outgoing
from webapp.services.proving.export_proof import export_proof
from webapp.services.proving.gather import Wanted
from webapp.services.stamping import days
from webapp.services.stamping.days import Round, list_days, stamp_days, wait_after
from webapp.settings import Authority, Settings, SettingsError, from_env
from webapp.store.models import DayStamp, Event, Quarantined
from webapp.store.unit import reading, transaction

NOON = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def set_up(app_on_both: Flask, settings_on_both: Settings, tsa: TimeAuthority) -> Settings:
    return replace(settings_on_both, authority=Authority(tsa.url, tsa.certs))


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop("Toko Sari")


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, active=True))


def happened(phone: ApiPhone, org_id: str, days_ago: int, count: int = 3) -> list[str]:
    """Events that the server received then; gives their digests in the order of a list."""
    [code] = make_parcels(org_id, 1, seed=100 + phone.seq)
    done = phone.send(*(phone.seal("report", [code], reason="damage") for _ in range(count)))
    for second, result in enumerate(done["results"]):
        received(result["id"], NOON - timedelta(days=days_ago) + timedelta(seconds=second))
    return [result["sha256"] for result in done["results"]]


def received(event_id: str, at: datetime) -> None:
    with transaction() as session:
        session.execute(update(Event).where(Event.id == event_id).values(received_at=at))


def kept(org_id: str) -> list[DayStamp]:
    with reading() as session:
        query = select(DayStamp).where(DayStamp.org_id == org_id).order_by(DayStamp.day)
        return list(session.execute(query).scalars())


def day(days_ago: int) -> date:
    return (NOON - timedelta(days=days_ago)).date()


def head_of(stamp: DayStamp) -> bytes:
    return token.head(stamp.org_id, stamp.day.isoformat(), stamp.size, bytes.fromhex(stamp.root))


def test_without_an_authority_nothing_is_listed_and_nobody_asked(
    settings_on_both: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    happened(phone, org_id, 1)
    assert stamp_days(settings_on_both, NOON) == Round()
    assert (kept(org_id), tsa.asked) == ([], [])


def test_each_day_that_is_over_gets_one_stamp_over_what_came_in_on_it(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    older, newer = happened(phone, org_id, 3, 5), happened(phone, org_id, 1)
    happened(phone, org_id, 0)
    assert stamp_days(set_up, NOON) == Round(listed=2, stamped=2)
    first, last = kept(org_id)
    assert [(s.day, s.size) for s in (first, last)] == [(day(3), 5), (day(1), 3)]
    for stamp, digests in ((first, older), (last, newer)):
        leaves = [bytes.fromhex(sha256) for sha256 in digests]
        assert (stamp.leaves, stamp.root) == (b"".join(leaves), merkle.root(leaves).hex())
        assert stamp.authority == NAME
        assert stamp.stamped_at is not None
        assert abs(stamp.stamped_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert (stamp.tries, stamp.last_error) == (1, None)
    assert stamp_days(set_up, NOON) == Round()
    assert len(tsa.asked) == 2


def test_openssl_itself_says_that_a_stored_answer_holds(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    happened(phone, org_id, 1)
    stamp_days(set_up, NOON)
    [stamp] = kept(org_id)
    (tsa.folder / "stored").write_bytes(stamp.response or b"")
    (tsa.folder / "head").write_bytes(head_of(stamp))
    asked = ("ts", "-verify", "-in", "stored", "-CAfile", "ca.pem", "-data")
    assert b"OK" in tsa.openssl(*asked, "head", config=False)
    (tsa.folder / "head").write_bytes(head_of(stamp).replace(b"\n3\n", b"\n4\n"))
    with pytest.raises(subprocess.CalledProcessError):
        tsa.openssl(*asked, "head", config=False)


def test_a_day_is_given_an_hour_before_it_counts_as_over(
    set_up: Settings, phone: ApiPhone, org_id: str
) -> None:
    happened(phone, org_id, 1)
    midnight = NOON.replace(hour=0)
    assert list_days(midnight + timedelta(minutes=59)) == 0
    assert list_days(midnight + timedelta(minutes=60)) == 1


def test_two_shops_have_a_stamp_each_and_none_of_the_other(
    set_up: Settings, app_on_both: Flask, phone: ApiPhone, org_id: str
) -> None:
    other = make_shop("Another shop")
    theirs = ApiPhone(app_on_both.test_client(), other, make_user(other, active=True))
    mine, others = happened(phone, org_id, 1), happened(theirs, other, 1, 2)
    assert stamp_days(set_up, NOON).stamped == 2
    for shop, digests in ((org_id, mine), (other, others)):
        [stamp] = kept(shop)
        assert stamp.leaves.hex() == "".join(digests)


def test_a_list_once_written_down_is_the_one_that_is_stamped(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    digests = happened(phone, org_id, 1)
    list_days(NOON)
    with transaction() as session:
        session.execute(update(Event).where(Event.sha256 == digests[0]).values(received_at=NOON))
    stamp_days(set_up, NOON)
    [stamp] = kept(org_id)
    assert stamp.leaves.hex() == "".join(digests)


def test_what_was_held_back_is_in_the_list_of_the_day_that_took_it_in(
    set_up: Settings, phone: ApiPhone, org_id: str
) -> None:
    """It keeps the time at which it first came, of a day that may be stamped already."""
    happened(phone, org_id, 3)
    stamp_days(set_up, NOON - timedelta(days=1))
    late = happened(phone, org_id, 3, 1)
    with transaction() as session:
        held = session.execute(select(Event).where(Event.sha256 == late[0])).scalar_one()
        session.add(
            Quarantined(
                org_id=org_id,
                sha256=late[0],
                device_id=held.device_id,
                signature_good=True,
                code="bad_signature",
                detail="",
                received_at=held.received_at,
                raw=b"",
                settled_at=NOON - timedelta(days=1),
                outcome="accepted",
                event_id=held.id,
            )
        )
    assert stamp_days(set_up, NOON) == Round(listed=1, stamped=1)
    first, second = kept(org_id)
    assert (first.day, first.size) == (day(3), 3)
    assert (second.day, second.leaves.hex()) == (day(1), late[0])


def test_an_answer_that_is_none_is_not_kept_and_why_is(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    happened(phone, org_id, 1)
    tsa.answers.append(302)  # with bytes in it that no text of PostgreSQL may have
    told = stamp_days(set_up, NOON)
    [stamp] = kept(org_id)
    assert (told.stamped, stamp.response, stamp.stamped_at, stamp.tries) == (0, None, None, 1)
    assert "answered 302" in (stamp.last_error or "")
    assert told.trouble == stamp.last_error
    assert stamp_days(set_up, NOON + timedelta(minutes=40)) == Round()  # not before its time
    assert stamp_days(set_up, NOON + timedelta(hours=1)) == Round(stamped=1)
    assert kept(org_id)[0].last_error is None


def test_an_authority_that_is_down_is_left_alone_for_the_round_and_asked_again_when_it_is_back(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    for days_ago in (1, 2, 3):
        happened(phone, org_id, days_ago, 1)
    tsa.stop()
    told = stamp_days(set_up, NOON)
    assert (told.listed, told.stamped) == (3, 0)
    assert sorted(stamp.tries for stamp in kept(org_id)) == [0, 0, 1]
    tsa.start()
    assert stamp_days(set_up, NOON + timedelta(hours=1)) == Round(stamped=3)


def test_the_waits_grow_up_to_a_day() -> None:
    waits = [wait_after(tries) for tries in range(1, 12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=50), timedelta(hours=24))


def test_nothing_of_the_database_is_held_while_the_authority_is_waited_for(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(phone, org_id, 1)
    seen: list[int] = []
    post = outgoing.post

    def watched(*args: Any, **kwargs: Any) -> outgoing.Answer:
        seen.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return post(*args, **kwargs)

    monkeypatch.setattr(outgoing, "post", watched)
    assert stamp_days(set_up, NOON).stamped == 1
    assert seen == [0]


def test_years_behind_a_first_day_are_asked_for_a_part_at_a_time_the_newest_first(
    set_up: Settings, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "MOST_A_ROUND", 3)
    count = 5
    with transaction() as session:
        for n in range(1, count + 1):
            about = {"size": 1, "root": "0" * 64, "leaves": bytes(32), "made_at": NOON, "next_try_at": NOON}
            session.add(DayStamp(org_id=org_id, day=day(n), **about))
    assert stamp_days(set_up, NOON).stamped == 3
    assert [stamp.day for stamp in kept(org_id) if stamp.response is None] == [day(5), day(4)]
    assert stamp_days(set_up, NOON).stamped == 2


def test_the_ledger_is_read_by_its_index(app: Flask) -> None:
    """However long it is: a round asks it every hour. (PostgreSQL chooses by size; the same index is there.)"""
    with db.engine.connect() as connection:
        for condition in ("review_state IS NULL", "review_state = 'waiting'"):
            asked = f"SELECT min(received_at) FROM events WHERE org_id = 'x' AND {condition} AND received_at >= 'y'"
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all())
            assert "org_id_review_state_received_at (org_id=? AND review_state=? AND received_at>?)" in plan


# --- in proofs, and in a backup --------------------------------------------------------------------


def exported(org_id: str, parcel: str, tsa: TimeAuthority) -> Verdict:
    out = io.BytesIO()
    export_proof(Wanted(org_id, parcel=parcel), out, clock.now())
    return verify_bundle(out, None, tsa.certs.read_bytes())


def test_a_proof_has_the_stamp_of_each_of_its_events_and_of_no_other(
    set_up: Settings, phone: ApiPhone, org_id: str, tsa: TimeAuthority
) -> None:
    [code, other] = make_parcels(org_id, 2)
    sent = [phone.seal("report", [code if n % 3 else other], reason="damage") for n in range(10)]
    results = phone.send(*sent)["results"]
    for n, result in enumerate(results[:-1]):
        received(result["id"], NOON - timedelta(days=1 + n // 6, seconds=-n))
    verdict = exported(org_id, code, tsa)
    assert {event["stamped"] for event in verdict.facts["events"]} == {None}
    assert stamp_days(set_up, NOON).stamped == 2
    verdict = exported(org_id, other, tsa)
    assert [(e["stamped"] or {}).get("day") for e in verdict.facts["events"]] == [
        *[day(1).isoformat()] * 2,
        day(2).isoformat(),
        None,
    ]
    assert {e["stamped"]["by"] for e in verdict.facts["events"] if e["stamped"]} == {NAME}
    assert not {code for code in verdict.codes if "stamp" in code}, verdict.codes


# --- settings and commands ------------------------------------------------------------------------


def test_settings_that_cannot_be_used_stop_the_start(
    tmp_path: Path, tsa: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> Authority | None:
        return from_env(data=tmp_path / "data").authority

    assert read() is None
    monkeypatch.setenv("BATON_TSA_URL", tsa.url)
    with pytest.raises(SettingsError, match="BATON_TSA_CERTS"):
        read()
    monkeypatch.setenv("BATON_TSA_CERTS", str(tsa.folder / "tsa.key"))
    with pytest.raises(SettingsError, match="no PEM file with certificates"):
        read()
    monkeypatch.setenv("BATON_TSA_CERTS", str(tsa.certs))
    assert read() == Authority(tsa.url, tsa.certs)
    monkeypatch.setenv("BATON_TSA_URL", "ftp://tsa")
    with pytest.raises(SettingsError, match="BATON_TSA_URL"):
        read()


def test_the_commands_say_which_days_are_stamped_and_ask_now(
    app: Flask, settings: Settings, tsa: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.cli.group import group

    org_id = make_shop()
    happened(ApiPhone(app.test_client(), org_id, make_user(org_id, active=True)), org_id, 1)
    for name, value in (("DATA", settings.data), ("DATABASE_URL", settings.database_url)):
        monkeypatch.setenv(f"BATON_{name}", str(value))

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(group, ["stamps", *words, "--json"])
        return done.exit_code, json.loads(done.stdout)

    assert run("now") == (1, {"code": "stamps-off", "title": "No time-stamping authority is set"} | DETAIL)
    monkeypatch.setenv("BATON_TSA_URL", tsa.url)
    monkeypatch.setenv("BATON_TSA_CERTS", str(tsa.certs))
    tsa.answers.append("refuse")
    status, told = run("now")
    assert (status, told["code"]) == (1, "stamp-refused")
    [row] = run("list")[1]["days"]
    assert (row["stamped_at"], row["tries"]) == (None, 1)
    assert "refuses" in row["error"]
    assert run("now") == (0, {"listed": 0, "stamped": 1})
    [row] = run("list")[1]["days"]
    assert (row["authority"], row["error"], row["next_try_at"]) == (NAME, None, None)


DETAIL = {"detail": "No time-stamping authority is set: see BATON_TSA_URL and BATON_TSA_CERTS."}
