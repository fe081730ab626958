"""Let a phone in by a one-time code, and sign it out again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils

from sync.protocol import keys
from sync.protocol.codes import ALPHABET
from sync.protocol.problems import Problem
from webapp.services.find_device import token_digest
from webapp.services.server_identity import signing_key
from webapp.store.models import Device, Enrolment, Organisation, User
from webapp.store.queries import devices, enrolments, people
from webapp.store.unit import Session, transaction

CODE_LENGTH = 12
DEFAULT_TTL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class MadeEnrolment:
    """A fresh code, the link that opens it on a phone, and until when it holds."""

    code: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A phone that was let in; `token` is told this once and never kept."""

    device: str
    token: str
    actor: dict[str, str]
    org: dict[str, str]


def make_enrolment(
    org_id: str,
    user_id: str,
    made_by: str | None,
    now: datetime,
    public_url: str,
    ttl: timedelta = DEFAULT_TTL,
) -> MadeEnrolment:
    """Make a code for one person's phone. Problem `not-found` when the shop has no such active person."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    expires_at = now + ttl
    with transaction() as session:
        user = people.person(session, org_id, user_id)
        if user is None or not user.active:
            raise Problem("not-found", "There is no such active person in this shop.")
        session.add(
            Enrolment(
                code_sha256=_digest(code),
                org_id=org_id,
                user_id=user_id,
                made_by=made_by,
                created_at=now,
                expires_at=expires_at,
            )
        )
    return MadeEnrolment(code, f"{public_url}/app/#/enrol/{code}", expires_at)


def enrol_device(
    code: str, jwk: object, label: str, client: str, now: datetime, repeats: str | None = None
) -> Enrolled:
    """Let a phone in. Problems: enrolment-unknown, -used, -expired, key-invalid.

    A code lets one phone in, once. `repeats` is that phone's own thumbprint when it may be asking again, because no
    answer has reached it: then the first answer is given again.
    """
    public = keys.check_jwk(jwk) if jwk is not None else None
    may_repeat = public is not None and repeats == keys.thumbprint(public)
    token = _token(code, public)
    with transaction() as session:
        enrolment, held = _take(session, code, public if may_repeat else None, now)
        user = session.get_one(User, enrolment.user_id)
        org = session.get_one(Organisation, enrolment.org_id)
        if not user.active:
            raise Problem("enrolment-unknown", "This person is no longer active; ask the office.")
        device = held or Device(
            id=str(uuid_utils.uuid7()),
            org_id=org.id,
            user_id=user.id,
            kind="phone",
            label=label.strip()[:120] or "Phone",
            jwk=public,
            client=client[:120],
            enrolled_at=now,
            last_seen_at=now,
        )
        device.token_sha256 = token_digest(token)
        session.add(device)
        enrolment.device_id = device.id
        return Enrolled(
            device.id,
            token,
            {"id": user.id, "name": user.name, "role": user.role},
            {"id": org.id, "name": org.name},
        )


def revoke_device(org_id: str, device_id: str, now: datetime) -> None:
    """Sign a phone out; what it sends from now on is kept in quarantine. Problem `not-found`."""
    with transaction() as session:
        device = devices.phone(session, org_id, device_id)
        if device is None:
            raise Problem("not-found", "There is no such phone in this shop.")
        if device.revoked_at is None:
            device.revoked_at = now


def _take(
    session: Session, code: str, repeating: dict[str, str] | None, now: datetime
) -> tuple[Enrolment, Device | None]:
    digest = _digest(code)
    is_taken = enrolments.take(session, digest, now)
    enrolment = enrolments.by_digest(session, digest)
    if enrolment is None:
        raise Problem(
            "enrolment-unknown", "This code is not known. Check it, or ask the office for a new one."
        )
    if is_taken:
        return enrolment, None
    if enrolment.used_at is None:
        raise Problem("enrolment-expired", "This code is too old. Ask the office for a new one.")
    held = _asks_again(session, enrolment, repeating, now)
    if held is None:
        raise Problem("enrolment-used", "This code has already let a phone in. Ask the office for a new one.")
    return enrolment, held


def _asks_again(
    session: Session, enrolment: Enrolment, repeating: dict[str, str] | None, now: datetime
) -> Device | None:
    """The phone that this code let in, when it is the one that asks: the first answer never reached it."""
    if repeating is None or enrolment.device_id is None or enrolment.expires_at <= now:
        return None
    device = devices.phone(session, enrolment.org_id, enrolment.device_id)
    return device if device and device.revoked_at is None and device.jwk == repeating else None


def _token(code: str, public: dict[str, str] | None) -> str:
    """256 bits that nobody can guess, and the same for the same asking.

    A request may come twice, the second time when the phone has long had its answer: a fresh token for that one
    would be told to nobody, and make the phone's own void.
    """
    if public is None:
        return secrets.token_urlsafe(32)
    secret = signing_key().private_numbers().private_value.to_bytes(32, "big")
    said = f"device token\n{_folded(code)}\n{keys.thumbprint(public)}"
    return keys.b64url(hmac.digest(secret, said.encode(), "sha256"))


def _folded(code: str) -> str:
    folded = code.strip().upper().replace("-", "").replace(" ", "")
    for typed, meant in (("O", "0"), ("I", "1"), ("L", "1")):
        folded = folded.replace(typed, meant)
    return folded


def _digest(code: str) -> str:
    return hashlib.sha256(_folded(code).encode()).hexdigest()
