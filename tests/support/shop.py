"""A cast in the database: a shop, its people, parcels, runs, and phones that were let in over HTTP."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from typing import Any

import uuid_utils
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sync.protocol.keys import generate_key, public_jwk
from sync.rules.pack import zone_of
from tests.unit.phones import Phone, new_codes
from webapp import clock
from webapp.office import times
from webapp.services.enrol import make_enrolment
from webapp.store.models import Order, Organisation, Parcel, ParcelOrder, Run, RunParcel, User
from webapp.store.unit import lock_org, transaction

MARKET = "guide"


def make_shop(name: str = "A shop of the tests") -> str:
    """A shop; gives its id."""
    with transaction() as session:
        org = Organisation(id=str(uuid_utils.uuid7()), name=name, market=MARKET, created_at=clock.now())
        session.add(org)
    return org.id


def make_user(org_id: str, role: str = "courier", name: str = "Test courier", **members: Any) -> str:
    """A person of that shop; gives the id."""
    with transaction() as session:
        user = User(
            id=str(uuid_utils.uuid7()),
            org_id=org_id,
            name=name,
            role=role,
            fs_uniquifier=str(uuid_utils.uuid7()),
            created_at=clock.now(),
            **members,
        )
        session.add(user)
    return user.id


def make_parcels(org_id: str, count: int, seed: int = 1, **members: Any) -> list[str]:
    """Known parcels of that shop; gives their codes."""
    now, made = clock.now(), new_codes(count, seed)
    with transaction() as session:
        head = lock_org(session, org_id)
        for code in made:
            session.add(
                Parcel(org_id=org_id, code=code, created_at=now, updated_at=now, changed=head, **members)
            )
    return made


def make_order(org_id: str, order_id: str, codes: list[str], **members: Any) -> None:
    """An order of the marketplace that these parcels carry."""
    with transaction() as session:
        told = {"platform_status": "To ship", "seen_at": clock.now(), "digest": "", **members}
        session.add(Order(org_id=org_id, order_id=order_id, **told))
        session.flush()
        session.add_all(ParcelOrder(org_id=org_id, code=code, order_id=order_id) for code in codes)


def make_run(org_id: str, user_id: str, parcels: list[str], kind: str = "collect", **members: Any) -> str:
    """A run of today with these parcels; gives its id."""
    now = clock.now()
    with transaction() as session:
        head = lock_org(session, org_id)
        run = Run(
            org_id=org_id,
            id=str(uuid_utils.uuid7()),
            kind=kind,
            user_id=user_id,
            created_at=now,
            changed=head,
            **{"title": "A run of the tests", "day": today(), **members},
        )
        session.add(run)
        session.add_all(RunParcel(org_id=org_id, run_id=run.id, code=code) for code in parcels)
        for code in parcels:
            session.get_one(Parcel, (org_id, code)).changed = head
    return run.id


def today() -> date:
    """Which day it is for the shops made here; they are east of UTC, where the day begins in its evening."""
    return times.today(clock.now(), zone_of(MARKET))


class ApiPhone(Phone):
    """A phone that was let in over HTTP, and speaks the protocol with the app's client."""

    def __init__(self, client: FlaskClient, org_id: str, user_id: str, *, signed: bool = True) -> None:
        key = generate_key() if signed else None
        code = make_enrolment(org_id, user_id, None, clock.now(), "http://127.0.0.1").code
        asked = {
            "code": code,
            "jwk": public_jwk(key) if key else None,
            "label": "Phone",
            "client": "tests/1.0",
        }
        answer = client.post("/sync/v1/devices", json=asked)
        assert answer.status_code == 201, answer.text
        self.enrolled: dict[str, Any] = answer.get_json()
        self.client = client
        self.headers = {"Authorization": f"Bearer {self.enrolled['token']}"}
        super().__init__(self.enrolled["device"], user_id, key)
        # The server's clock is the real one: of the day before, so that nothing is in its future, nor long ago.
        self.morning = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)

    def send(self, *events: str, zipped: bool = False, **queue: Any) -> dict[str, Any]:
        """Send a batch that must be taken; gives the answer."""
        answer = self.post(*events, zipped=zipped, **queue)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.get_json()
        return body

    def post(self, *events: str, zipped: bool = False, **queue: Any) -> TestResponse:
        """Send a batch, whatever the answer."""
        data = json.dumps({"sent_at": "2026-11-22T07:15:30.123Z", "events": events, "queue": queue}).encode()
        packed = {"Content-Encoding": "gzip"} if zipped else {}
        return self.client.post(
            "/sync/v1/events",
            data=gzip.compress(data) if zipped else data,
            headers={**self.headers, "Content-Type": "application/json", **packed},
        )

    def worklist(self, cursor: str | None = None) -> dict[str, Any]:
        """One page of its list."""
        query = {"cursor": cursor} if cursor else {}
        answer = self.client.get("/sync/v1/worklist", query_string=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.get_json()
        return body
