"""Load the demo shop: people, places, carriers, orders by the real importer, and today's runs.

Every step asks first whether it was done, so that loading again, after a crash or on another day, only adds
what is missing. The administrator's password is made up when the shop is made, told once, and kept as a hash.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sync.protocol.problems import Problem
from webapp.services.add_user import NewPerson, add_user
from webapp.services.demo import shop
from webapp.services.demo.export import CARRIERS, OTHER_WAREHOUSE, WAREHOUSE, write_export
from webapp.services.importing.apply import import_file, shop_zone
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.make_run import make_run
from webapp.services.run_members import Wanted
from webapp.store.queries import demo as ask
from webapp.store.queries import importing
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading

ADMIN_EMAIL = "admin@demo.test"
COUNTER = "Demo counter"
_PEOPLE = (
    NewPerson("Demo admin", "admin", email=ADMIN_EMAIL),
    NewPerson("Demo office", "office", email="office@demo.test"),
    NewPerson("Demo seller", "seller", seller=WAREHOUSE),
    NewPerson("Demo courier", "courier"),
    NewPerson("Demo driver", "driver"),
)
_PLACES = (
    PlaceFacts(WAREHOUSE, "pickup", "1 Demo Street, 40000 Demo City", (3.0738, 101.5183)),
    PlaceFacts(COUNTER, "drop_off", "99 Demo Road, 40100 Demo City", (3.0853, 101.5322)),
)
# (kind, who, carrier, at which place, how many parcels at most)
_RUNS = (
    ("collect", "Demo courier", "demo-express", WAREHOUSE, 20),
    ("drop_off", "Demo seller", "demo-van", COUNTER, 8),
    ("deliver", "Demo driver", "demo-post", None, 6),
)
# Whoever works here no more, or in another role, and what was put aside meanwhile: that is no reason not to start.
_NO_RUN = frozenset({"field-invalid", "nothing-to-do"})


@dataclass(frozen=True, slots=True)
class DemoShop:
    """What there is to try. `password` is told once, when the shop was made; `people` are ids by name."""

    org_id: str
    name: str
    admin_email: str
    password: str | None
    people: Mapping[str, str]
    runs: tuple[Mapping[str, Any], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As the command line tells it."""
        return {
            "org": {"id": self.org_id, "name": self.name},
            "admin": {"email": self.admin_email, "password": self.password},
            "people": [{"id": id_, "name": name} for name, id_ in self.people.items()],
            "runs": [dict(run) for run in self.runs],
            **self.counts,
        }


def load_demo(now: datetime) -> DemoShop:
    """Make the demo shop, or what is missing of it, as of `now`."""
    org_id, name = shop.open_shop(now)
    people, password = _people(org_id, now)
    places = _places(org_id)
    _carriers(org_id)
    if not shop.is_filled(org_id):
        _orders(org_id, people["Demo admin"], now)
        shop.mark_filled(org_id)
    day = now.astimezone(_zone(org_id)).date()
    _runs(org_id, people, places, day, now)
    with reading() as session:
        runs = ask.runs_of_day(session, org_id, day)
        counts = ask.counts(session, org_id)
    return DemoShop(org_id, name, ADMIN_EMAIL, password, people, tuple(runs), counts)


def _people(org_id: str, now: datetime) -> tuple[dict[str, str], str | None]:
    with reading() as session:
        held = ask.people(session, org_id)
        by_email = ask.emails(session, org_id)
    password = None
    for person in _PEOPLE:
        if person.email in by_email:  # also under the name that somebody gave them since
            held[person.name] = by_email[person.email]
        if person.name in held:
            continue
        added = add_user(org_id, person, now)
        held[person.name] = added.id
        if person.role == "admin":
            password = added.password
    return held, password


def _places(org_id: str) -> dict[str, str]:
    with reading() as session:
        held = ask.places(session, org_id)
    for place in _PLACES:
        if place.name not in held:
            held[place.name] = save_place(org_id, None, place)
    return held


def _carriers(org_id: str) -> None:
    with reading() as session:
        held = ask.carriers(session, org_id)
    for name, prefix in CARRIERS:
        code = name.lower().replace(" ", "-")
        if code not in held:
            facts = CarrierFacts(name, (name,), rf"^{prefix}\d{{10}}$")
            save_carrier(org_id, code, facts, is_new=True)


def _orders(org_id: str, actor_id: str, now: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="baton-demo-") as folder:
        path = Path(folder, "Demo orders (not real).csv")
        write_export(path, now, _zone(org_id))
        import_file(org_id, actor_id, path, now, dates="dmy")


def _zone(org_id: str) -> tzinfo:
    with reading() as session:
        return shop_zone(importing.shop_rules(session, org_id))


def _runs(
    org_id: str, people: Mapping[str, str], places: Mapping[str, str], day: date, now: datetime
) -> None:
    """The day's runs, for each person that has none yet and for whom something waits."""
    with reading() as session:
        busy = {run["person"] for run in ask.runs_of_day(session, org_id, day)}
        waiting = {
            kind: ask.waiting(session, org_id, kind, carrier, OTHER_WAREHOUSE, most)
            for kind, _, carrier, _, most in _RUNS
        }
    for kind, who, carrier, place, _ in _RUNS:
        if who in busy or not waiting[kind]:
            continue
        wanted = Wanted(kind, day, people[who], places[place] if place else None, carrier)
        try:
            make_run(org_id, people["Demo admin"], wanted, Choice(codes=tuple(waiting[kind])), now)
        except Problem as problem:
            if problem.code not in _NO_RUN:
                raise
