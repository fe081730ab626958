"""What is held, settled: as its phone's own, on the office's word, or set aside; each marked, signed and rebuilt."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from sync.protocol import envelope
from sync.protocol.keys import generate_key, public_jwk
from sync.protocol.problems import Problem
from tests.support.desk import picture, reference
from tests.support.rescue import rescue_file
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.unit.phones import Phone, proof
from webapp import clock
from webapp.services import rebuild
from webapp.services.enrol import revoke_device
from webapp.services.rescuing.take import take_rescue
from webapp.services.settle_quarantine import Settled, accept_held, foresee, set_aside
from webapp.store.models import Anomaly, Device, Event, Parcel, Quarantined
from webapp.store.queries import quarantine
from webapp.store.unit import reading, transaction


@dataclass
class Scene:
    """A shop with a phone, a colleague's phone, and somebody in the office."""

    org_id: str
    phone: ApiPhone
    colleague: ApiPhone
    olga: str
    codes: list[str]

    def hold(self, jws: str, sender: ApiPhone | None = None) -> str:
        """Send it, see it held; gives its digest."""
        (result,) = (sender or self.phone).send(jws)["results"]
        assert result["status"] == "quarantined", result
        return str(result["sha256"])

    def accept(self, sha256: str, **more: Any) -> Settled:
        reason = "Rang the courier, he has it in hand"
        return accept_held(self.org_id, self.olga, sha256, reason, clock.now(), **more)

    def parcel(self, code: str | None = None) -> Parcel:
        with reading() as session:
            return session.get_one(Parcel, (self.org_id, code or self.codes[0]))

    def anomalies(self, code: str | None = None) -> dict[str, str]:
        with reading() as session:
            rows = session.execute(select(Anomaly).where(Anomaly.parcel == (code or self.codes[0]))).scalars()
            return {row.code: row.detail for row in rows}

    def event(self, event_id: str | None) -> Event:
        assert event_id
        with reading() as session:
            return session.get_one(Event, (self.org_id, event_id))

    def row(self, sha256: str) -> Quarantined:
        with reading() as session:
            return session.get_one(Quarantined, (self.org_id, sha256))

    def way(self, sha256: str) -> str:
        with reading() as session:
            held = quarantine.one(session, self.org_id, sha256)
            assert held is not None
            return foresee(session, self.org_id, sha256, held.raw).way


@pytest.fixture
def scene(app_on_both: Flask) -> Scene:
    org_id, client = make_shop(), app_on_both.test_client()
    phone = ApiPhone(client, org_id, make_user(org_id, active=True))
    colleague = ApiPhone(client, org_id, make_user(org_id, name="Colleague", active=True))
    olga = make_user(org_id, "office", "Olga Office", active=True)
    return Scene(org_id, phone, colleague, olga, make_parcels(org_id, 3))


def assert_rebuilt(scene: Scene) -> None:
    """Nothing differs from the events, and what is lost comes back from them alone."""
    assert rebuild.check(clock.now())[1] == []
    with transaction() as session:
        session.execute(delete(Anomaly).where(Anomaly.org_id == scene.org_id))
        session.execute(update(Parcel).where(Parcel.org_id == scene.org_id).values(status="lost"))
        session.execute(
            update(Quarantined)
            .where(Quarantined.org_id == scene.org_id)
            .values(settled_at=None, settled_by=None, outcome=None, settled_event_id=None, event_id=None)
        )
    assert rebuild.check(clock.now())[1] != []
    rebuild.rebuild(clock.now())
    assert rebuild.check(clock.now())[1] == []


def test_a_revoked_phones_record_goes_in_as_its_own_and_is_marked(scene: Scene) -> None:
    first = scene.phone.seal("collect", scene.codes[:1], **proof())
    revoke_device(scene.org_id, scene.phone.device, clock.now())
    answer = scene.phone.post(first)
    assert answer.status_code in {200, 403}
    sha256 = envelope.digest(first)
    assert (scene.row(sha256).code, scene.way(sha256)) == ("device_revoked", "own")
    done = scene.accept(sha256)
    event = scene.event(done.event_id)
    assert (event.jws, event.device_id, event.seq) == (first, scene.phone.device, 1)
    assert event.received_at == scene.row(sha256).received_at, "it is as old as when it first came"
    assert scene.parcel().status == "handed_over"
    assert scene.anomalies()["vouched"] == "its phone was signed out"
    row = scene.row(sha256)
    assert (row.outcome, row.settled_by, row.event_id) == ("accepted", scene.olga, done.event_id)
    amend = scene.event(row.settled_event_id)
    opened = envelope.open_(amend.jws)
    with reading() as session:
        server = session.get_one(Device, amend.device_id)
    assert server.kind == "server"
    assert server.jwk
    assert envelope.is_signed_by(opened, server.jwk)
    assert (amend.actor_id, opened.payload["note"]) == (scene.olga, "Rang the courier, he has it in hand")
    assert_rebuilt(scene)
    assert scene.anomalies()["vouched"] == "its phone was signed out"
    assert scene.row(sha256).settled_event_id == amend.id


def test_a_bad_signature_never_takes_a_place_in_the_phones_chain(scene: Scene) -> None:
    scene.phone.send(scene.phone.seal("collect", scene.codes[1:2], **proof()))
    payload = scene.phone.payload("collect", scene.codes[:1], **proof()) | {"seq": 2**53 - 2}
    forged = envelope.sign(payload, generate_key())
    sha256 = scene.hold(forged)
    assert (scene.row(sha256).code, scene.way(sha256)) == ("bad_signature", "statement")
    done = scene.accept(sha256)
    assert done.outcome == "stated"
    event = scene.event(done.event_id)
    assert event.actor_id == scene.olga
    assert event.device_id != scene.phone.device
    assert event.data["stated_from"]["sha256"] == sha256
    assert scene.parcel().status == "handed_over"
    assert scene.anomalies()["bad_signature"] == "the office's word only"
    with reading() as session:
        device = session.get_one(Device, scene.phone.device)
        stored = session.execute(select(Event.jws).where(Event.org_id == scene.org_id)).scalars().all()
    assert (device.high_seq, device.seqs) == (1, [[1, 1]])
    assert forged not in stored
    assert_rebuilt(scene)
    assert scene.anomalies()["bad_signature"]
    again = scene.phone.send(forged)["results"][0]
    assert again["status"] == "quarantined", "what the office said does not make it the phone's"
    true = scene.phone.seal("collect", scene.codes[:1], **proof())
    assert scene.phone.send(true)["results"][0]["status"] in {"applied", "recorded"}


def test_the_mark_outlives_a_withdrawal(scene: Scene) -> None:
    forged = envelope.sign(scene.phone.payload("collect", scene.codes[:1], **proof()), generate_key())
    done = scene.accept(scene.hold(forged))
    assert done.event_id
    void = scene.phone.seal("void", [], ref=done.event_id, reason="mistake")
    scene.phone.send(void)
    from webapp.services.close_anomaly import close_anomaly

    code = scene.codes[0]
    void_id = envelope.open_(void).payload["id"]
    close_anomaly(
        scene.org_id, scene.olga, code, "void_requested", void_id, "It never was", clock.now(), grant=True
    )
    assert scene.parcel().status == "expected"
    assert "bad_signature" in scene.anomalies()
    assert rebuild.check(clock.now())[1] == []


def test_another_phones_record_is_proved_by_its_own_key(scene: Scene) -> None:
    theirs = scene.colleague.seal("collect", scene.codes[:1], **proof())
    sha256 = scene.hold(theirs, scene.phone)
    assert (scene.row(sha256).code, scene.way(sha256)) == ("not_this_device", "own")
    event = scene.event(scene.accept(sha256).event_id)
    assert (event.device_id, event.actor_id) == (scene.colleague.device, scene.colleague.actor)
    assert scene.colleague.send(theirs)["results"][0]["status"] == "duplicate"
    assert_rebuilt(scene)


def test_a_colleague_on_the_phone_is_believed_a_stranger_is_not(scene: Scene) -> None:
    named = {
        actor: scene.phone.seal("collect", [code], actor=actor, **proof())
        for actor, code in ((scene.colleague.actor, scene.codes[0]), ("nobody-here", scene.codes[1]))
    }
    ours, strangers = (scene.hold(jws) for jws in named.values())
    assert (scene.way(ours), scene.way(strangers)) == ("own", "statement")
    assert scene.event(scene.accept(ours).event_id).actor_id == scene.colleague.actor
    assert scene.event(scene.accept(strangers).event_id).actor_id == scene.olga
    assert set(scene.anomalies(scene.codes[1])) >= {"vouched"}
    assert "bad_signature" not in scene.anomalies(scene.codes[1]), "the phone's key did make it"
    assert_rebuilt(scene)


def test_an_id_used_twice_is_said_anew(scene: Scene) -> None:
    first = scene.phone.payload("collect", scene.codes[:1], **proof())
    scene.phone.send(scene.phone.seal_payload(first))
    twin = scene.phone.payload("collect", scene.codes[1:2], **proof()) | {"id": first["id"]}
    sha256 = scene.hold(scene.phone.seal_payload(twin))
    assert (scene.row(sha256).code, scene.way(sha256)) == ("id_reused", "statement")
    done = scene.accept(sha256)
    assert done.event_id != first["id"]
    assert scene.parcel(scene.codes[1]).status == "handed_over"
    assert scene.anomalies(scene.codes[1])["vouched"] == "its id was used before"
    assert_rebuilt(scene)


def test_a_decision_made_while_the_books_are_rebuilt_stays(
    app_on_both: Flask, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = held_of_a_revoked_phone(scene)
    set_aside(scene.org_id, scene.olga, sha256, "Waits for the courier", clock.now())
    real: Any = quarantine.settlements

    def decide() -> None:
        with app_on_both.app_context():
            scene.accept(sha256, seen="aside")

    deciding = threading.Thread(target=decide)

    def read_while_somebody_decides(*about: Any) -> Any:
        said = real(*about)
        deciding.start()
        deciding.join(1)  # it may have to wait for the books
        return said

    with monkeypatch.context() as patch:
        patch.setattr(rebuild.quarantine, "settlements", read_while_somebody_decides)
        rebuild.rebuild(clock.now())
    deciding.join(30)
    assert (deciding.is_alive(), scene.row(sha256).outcome) == (False, "accepted")
    assert rebuild.check(clock.now())[1] == []


def held_of_a_revoked_phone(scene: Scene) -> str:
    jws = scene.phone.seal("collect", scene.codes[:1], **proof())
    revoke_device(scene.org_id, scene.phone.device, clock.now())
    scene.phone.post(jws)
    return str(envelope.digest(jws))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "teleport"}, "kind_unknown"),
        ({"kind": "cancel"}, "kind_unknown"),
        ({"v": 2}, "version_unknown"),
        ({"parcels": "all"}, "event_malformed"),
    ],
)
def test_what_this_version_cannot_read_is_never_taken_in(
    scene: Scene, change: dict[str, Any], code: str
) -> None:
    jws = scene.phone.seal_payload({**scene.phone.payload("collect", scene.codes[:1], **proof()), **change})
    sha256 = scene.hold(jws)
    assert (scene.row(sha256).code, scene.way(sha256)) == (code, "never")
    with pytest.raises(Problem) as refused:
        scene.accept(sha256)
    assert refused.value.code == "never-acceptable"
    assert scene.row(sha256).settled_at is None
    assert scene.parcel().status == "expected"


def test_what_could_not_be_read_at_all_is_set_aside(scene: Scene) -> None:
    for raw in ("hello", "a\ud800\u0000b", "..", "a." * 40_000):
        sha256 = scene.hold(raw)
        assert scene.way(sha256) == "never"
        with reading() as session:
            held = quarantine.one(session, scene.org_id, sha256)
        assert held is not None
        assert held.raw == raw
        set_aside(scene.org_id, scene.olga, sha256, "Noise of a broken cable", clock.now())
        assert (scene.row(sha256).outcome, scene.row(sha256).event_id) == ("aside", None)
    assert_rebuilt(scene)


def test_what_a_newer_version_can_read_is_taken_in_then(scene: Scene) -> None:
    jws = scene.phone.seal("collect", scene.codes[:1], **proof())
    with transaction() as session:
        row = Quarantined(
            org_id=scene.org_id,
            sha256=envelope.digest(jws),
            device_id=scene.phone.device,
            signature_good=True,
            code="kind_unknown",
            detail="kind collect was not known",
            received_at=clock.now(),
            raw=jws.encode(),
        )
        session.add(row)
    sha256 = row.sha256
    set_aside(scene.org_id, scene.olga, sha256, "Wait for the update", clock.now())
    with pytest.raises(Problem, match="meanwhile"):
        scene.accept(sha256)
    assert scene.accept(sha256, seen="aside").outcome == "accepted"
    assert scene.anomalies()["vouched"] == "its kind was not known then"
    with reading() as session:
        amends = session.execute(select(Event.data).where(Event.kind == "amend")).scalars().all()
    assert [data["outcome"] for data in amends if data] == ["aside", "accepted"]
    assert_rebuilt(scene)


def test_what_came_in_by_itself_meanwhile_is_only_closed(scene: Scene) -> None:
    theirs = scene.colleague.seal("collect", scene.codes[:1], **proof())
    sha256 = scene.hold(theirs, scene.phone)
    scene.colleague.send(theirs)
    assert scene.way(sha256) == "known"
    assert scene.accept(sha256).event_id == envelope.open_(theirs).payload["id"]
    assert "vouched" not in scene.anomalies(), "nobody had to vouch for it"
    assert_rebuilt(scene)


def test_a_record_of_a_phone_unknown_here_is_the_offices_word(scene: Scene) -> None:
    key = generate_key()
    lost = Phone("11111111-2222-7333-8444-555555555555", "somebody", key)
    photo = picture("of an unknown phone", (300, 400))
    whole = {**proof(), "blobs": [reference(photo)]}
    jws = lost.seal("deliver", scene.codes[:1], **whole)
    take_rescue(
        scene.org_id, None, "a.baton", io.BytesIO(rescue_file(lost.device, [jws], [photo])), clock.now()
    )
    sha256 = envelope.digest(jws)
    assert (scene.row(sha256).code, scene.way(sha256)) == ("device_unknown", "statement")
    done = scene.accept(sha256)
    assert scene.parcel().status == "delivered"
    assert scene.anomalies()["bad_signature"] == "no phone here has made it"
    assert scene.event(done.event_id).data["stated_from"]["device"] == lost.device
    assert public_jwk(key)["x"] not in str(scene.event(done.event_id).data)
    assert_rebuilt(scene)


def test_nobody_settles_twice_and_nobody_without_a_reason(scene: Scene) -> None:
    forged = envelope.sign(scene.phone.payload("collect", scene.codes[:1], **proof()), generate_key())
    sha256 = scene.hold(forged)
    for words in ("", "  \n", "x" * 1001):
        with pytest.raises(Problem, match="field-invalid"):
            accept_held(scene.org_id, scene.olga, sha256, words, clock.now())
    scene.accept(sha256)
    for again in (accept_held, set_aside):
        for seen in ("", "stated", "aside"):
            with pytest.raises(Problem, match="conflict"):
                again(scene.org_id, scene.olga, sha256, "again", clock.now(), seen=seen)
    other = make_shop("Another shop")
    with pytest.raises(Problem, match="not-found"):
        set_aside(other, scene.olga, sha256, "not ours", clock.now())


def test_two_records_on_the_offices_word_count_from_when_they_say_they_happened(scene: Scene) -> None:
    lost = Phone("11111111-2222-7333-8444-555555555555", "somebody", generate_key())
    lost.morning = scene.phone.morning
    delivered = lost.seal("deliver", scene.codes[:1], minute=5, **proof())
    returned = lost.seal("return", scene.codes[:1], minute=60, data={"stage": "start"}, **proof())
    file = rescue_file(lost.device, [delivered, returned], [])
    take_rescue(scene.org_id, None, "a.baton", io.BytesIO(file), clock.now())
    for jws in (returned, delivered):
        assert scene.accept(envelope.digest(jws)).outcome == "stated"
    assert scene.parcel().status == "returning"
    assert scene.parcel().delivered_at is not None
    assert_rebuilt(scene)
