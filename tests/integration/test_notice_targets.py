"""A webhook and a push service over real HTTP: what they get, what their answers mean, and where we never go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from joserfc import jwk, jwt

from tests.support.receiver import Receiver
from webapp.services.notices import hook, outgoing, web_push
from webapp.services.notices.claiming import Claim
from webapp.services.notices.outcomes import SENT, Letter, Outcome
from webapp.services.notices.senders import Senders
from webapp.services.notices.words import Words
from webapp.settings import Settings

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
SECRET = hook.make_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def letter(target: str) -> Letter:
    words = Words("Order 578", "คำสั่งซื้อ 578")
    body = {"key": "remind:578", "text": words.text}
    return Letter(
        "id-1", "org", "x", target, "remind", "remind:578", words, None, "/app/#/tasks", "Shop", True, None, body, NOW
    )  # fmt: skip


def tell(url: str, *, may_be_private: bool = True) -> Outcome:
    return hook.send(letter(url), SECRET, may_be_private=may_be_private)


def test_a_webhook_is_signed_as_its_receivers_library_checks_it(receiver: Receiver) -> None:
    assert tell(receiver.url + "/hook?a=1") == SENT
    [got] = receiver.got
    assert (got.path, json.loads(got.body)["text"]) == ("/hook?a=1", "คำสั่งซื้อ 578")
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == "id-1"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = b"id-1." + got.headers["webhook-timestamp"].encode() + b"." + got.body
    digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    # The vector that the standard's own libraries are tested with.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = hook.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (204, "sent"),
        (500, "again"),
        (503, "again"),
        (429, "again"),
        (408, "again"),
        ("drop", "again"),
        ("slow", "again"),
        (400, "refused"),
        (404, "refused"),
        (410, "refused"),
        ((302, {"Location": "/elsewhere"}), "refused"),
    ],
)
def test_an_answer_means_sent_again_or_never(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answer: object, state: str
) -> None:
    if answer == "slow":
        monkeypatch.setattr(outgoing, "WITHIN_S", 0.5)
    receiver.answers.append(answer)
    outcome = hook.send(letter(receiver.url), SECRET, may_be_private=True)
    assert outcome.state == state
    assert len(receiver.got) == 1  # a redirect is not followed


@pytest.mark.parametrize("answer", ["drip", "drip-text"])
def test_a_slow_receiver_is_cut_off_however_slowly_it_was_reached(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    reach = outgoing.socket.create_connection

    def reach_slowly(*where: object) -> socket.socket:
        time.sleep(0.6 if answer == "drip" else 0)
        return reach(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(outgoing, "WITHIN_S", 0.5)
    monkeypatch.setattr(outgoing.socket, "create_connection", reach_slowly)
    receiver.answers.append(answer)
    began = time.monotonic()
    tell(receiver.url)
    assert time.monotonic() - began < 30, "the answer takes a minute, and the clockwork waits for it"


def test_headers_that_were_cut_off_are_no_answer(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "WITHIN_S", 0.5)
    receiver.answers.append("drip")
    outcome = hook.send(letter(receiver.url), SECRET, may_be_private=True)
    assert outcome.state == "again"


@pytest.mark.parametrize(("name", "state"), [("localhost", "sent"), ("elsewhere.example", "again")])
def test_over_tls_the_name_that_was_asked_for_is_the_one_that_must_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, state: str
) -> None:
    trusted = receiver.speak_tls("localhost", tmp_path)
    monkeypatch.setattr(outgoing.ssl, "create_default_context", lambda: trusted)
    monkeypatch.setattr(
        outgoing.socket, "getaddrinfo", lambda _, port, *__, **___: [(2, 1, 6, "", ("127.0.0.1", port))]
    )
    assert tell(f"https://{name}:{_port(receiver)}/hook").state == state
    assert len(receiver.got) == (state == "sent")


def test_a_receiver_that_asks_for_time_gets_it(receiver: Receiver) -> None:
    receiver.answers.append((429, {"Retry-After": "120"}))
    assert hook.send(letter(receiver.url), SECRET, may_be_private=True).after_s == 120


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://192.168.1.20:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://user@example.com/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "ftp://example.com/",
        "https:///",
        "",
    ],
)
def test_an_address_that_is_not_on_the_public_internet_is_never_called(url: str) -> None:
    with pytest.raises(outgoing.Unsafe):
        outgoing.look_at(url, may_be_private=False)


def test_a_private_address_is_refused_before_a_connection_is_made(receiver: Receiver) -> None:
    outcome = hook.send(letter(receiver.url.replace("http:", "https:")), SECRET, may_be_private=False)
    assert (outcome.state, receiver.got) == ("refused", [])
    assert "not on the public internet" in outcome.said


def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_mind(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def lookup(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        looked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", lookup)
    target = outgoing.look_at("https://rebinding.example/", may_be_private=True)
    assert (target.address, looked) == ("127.0.0.1", ["rebinding.example"])
    monkeypatch.setattr(
        outgoing, "look_at", lambda *_, **__: replace(target, is_tls=False, port=_port(receiver))
    )
    outgoing.post("https://rebinding.example/", b"", {}, may_be_private=True)
    assert receiver.got[0].headers["host"].startswith("rebinding.example")


def _port(receiver: Receiver) -> int:
    return int(receiver.url.rpartition(":")[2])


# --- push ------------------------------------------------------------------------------------------


class Phone:
    """A browser's half of a subscription."""

    def __init__(self, endpoint: str) -> None:
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), b"sixteen bytes, 0"
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.browser = web_push.Browser(endpoint, "sha", b64(point), b64(self.auth), "Budi")

    def read(self, body: bytes) -> dict[str, str]:
        """What only this browser can read."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        told: dict[str, str] = json.loads(plain)
        return told


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def push(phone: Phone, key: ec.EllipticCurvePrivateKey) -> object:
    return web_push.send(letter(""), phone.browser, key, "mailto:baton@example.com", may_be_private=True)


def test_a_push_can_be_read_by_the_browser_alone_and_says_who_sends_it(receiver: Receiver) -> None:
    phone, stranger = Phone(receiver.url + "/push/abc"), Phone("")
    key = web_push.derive_key(ec.generate_private_key(ec.SECP256R1()))
    assert push(phone, key) == SENT
    [got] = receiver.got
    told = phone.read(got.body)
    assert (told["title"], told["body"], told["for"]) == ("Order 578", "คำสั่งซื้อ 578", "Budi")
    assert told["path"] == "/app/#/tasks"
    with pytest.raises(http_ece.ECEException):
        stranger.read(got.body)
    assert got.headers["content-encoding"] == "aes128gcm"
    assert got.headers["urgency"] == "high"
    assert got.headers["topic"] == told["tag"]
    assert len(told["tag"]) <= 32
    scheme, _, rest = got.headers["authorization"].partition(" ")
    token, _, public = rest.removeprefix("t=").partition(", k=")
    assert (scheme, public) == ("vapid", web_push.public_key(key))
    public_jwk = jwk.ECKey.import_key(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    claims = jwt.decode(token, public_jwk, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["sub"]) == (receiver.url, "mailto:baton@example.com")
    assert 0 < claims["exp"] - NOW.timestamp() <= 24 * 3600


@pytest.mark.parametrize(
    ("answer", "state", "is_gone"),
    [
        (201, "sent", False),
        (404, "refused", True),
        (410, "refused", True),
        (413, "refused", False),
        (429, "again", False),
        (500, "again", False),
        ("drop", "again", False),
    ],
)
def test_a_browser_that_is_gone_is_told_from_one_that_waits(
    receiver: Receiver, answer: object, state: str, is_gone: bool
) -> None:
    receiver.answers.append(answer)
    phone = Phone(receiver.url)
    key = web_push.derive_key(ec.generate_private_key(ec.SECP256R1()))
    outcome = web_push.send(letter(""), phone.browser, key, "mailto:a@b.c", may_be_private=True)
    assert (outcome.state, outcome.is_gone) == (state, is_gone)


def test_the_push_key_follows_from_the_servers_key_and_is_another() -> None:
    kept, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    assert web_push.public_key(web_push.derive_key(kept)) == web_push.public_key(web_push.derive_key(kept))
    assert web_push.public_key(web_push.derive_key(kept)) != web_push.public_key(web_push.derive_key(other))
    assert web_push.public_key(web_push.derive_key(kept)) != web_push.public_key(kept)


@pytest.mark.parametrize(("p256dh", "auth"), [("", ""), ("AAAA", "AAAA"), ("!!", "é"), ("A" * 87, "A" * 22)])
def test_what_is_no_browsers_key_is_told(p256dh: str, auth: str) -> None:
    assert not web_push.is_browsers(p256dh, auth)
    assert web_push.is_browsers(Phone("").browser.p256dh, Phone("").browser.auth)


def test_a_push_service_that_is_away_keeps_no_other_ones_browsers_waiting(
    receiver: Receiver, app_on_both: Flask, settings_on_both: Settings
) -> None:
    away, settings = Receiver(), replace(settings_on_both, private_targets=True)
    away.answers += ["drop", "drop"]
    with ExitStack() as stack:
        senders = Senders(settings, stack)
        told = [
            senders.send(
                Claim(replace(letter(""), channel="push"), (), (), {}, "lease", browser=Phone(url).browser)
            ).state
            for url in (away.url + "/a", receiver.url + "/b", away.url + "/c", receiver.url + "/d")
        ]
        assert "push" in senders.now().channels
    away.stop()
    assert told == ["again", "sent", "again", "sent"]
    assert len(away.got) <= 1
