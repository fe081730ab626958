"""The watch over queries sees the ones that forget whose data they read, and only those."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, select, update

from tests.support.scope import is_unscoped
from webapp import store
from webapp.store.prepared import Prepared

METADATA = MetaData()
PARCELS = Table(
    "parcels", METADATA, Column("org_id", String, primary_key=True), Column("code", String, primary_key=True)
)
RUNS = Table(
    "runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("org_id", String),
    Column("code", String),
)
SHOPS = Table("shops", METADATA, Column("id", Integer, primary_key=True))
OTHER = PARCELS.alias("other")
MINE = PARCELS.c.org_id == "mine"

SCOPED = {
    "by a value": select(PARCELS).where(MINE),
    "by a join with one that is": select(PARCELS).join(RUNS, RUNS.c.org_id == PARCELS.c.org_id).where(MINE),
    "a table without shops": select(SHOPS),
    "in a subquery too": select(SHOPS).where(
        SHOPS.c.id.in_(select(RUNS.c.id).where(RUNS.c.org_id == "mine"))
    ),
    "one row by its whole key": update(RUNS).where(RUNS.c.id == 1).values(code="x"),
    "an alias": select(OTHER).where(OTHER.c.org_id == "mine"),
}
UNSCOPED = {
    "everything": select(PARCELS),
    "by a code alone": select(PARCELS).where(PARCELS.c.code == "x"),
    "by an id alone": select(RUNS).where(RUNS.c.id == 1),
    "only compared with each other": select(PARCELS).join(RUNS, RUNS.c.org_id == PARCELS.c.org_id),
    "a join with one that is not": select(PARCELS).join(RUNS, RUNS.c.code == PARCELS.c.code).where(MINE),
    "a subquery that is not": select(PARCELS).where(MINE, PARCELS.c.code.in_(select(RUNS.c.code))),
    "many rows changed": update(RUNS).where(RUNS.c.code == "x").values(code="y"),
    "many rows removed": delete(PARCELS).where(PARCELS.c.code == "x"),
}


@pytest.mark.parametrize("statement", SCOPED.values(), ids=SCOPED)
def test_a_query_that_names_the_shop_passes(statement: Any) -> None:
    assert not is_unscoped(statement)


@pytest.mark.parametrize("statement", UNSCOPED.values(), ids=UNSCOPED)
def test_a_query_that_forgets_the_shop_is_seen(statement: Any) -> None:
    assert is_unscoped(statement)


def _prepared() -> dict[str, Prepared]:
    found: dict[str, Prepared] = {}
    for module in pkgutil.walk_packages(store.__path__, "webapp.store."):
        if "migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Prepared):
                found[f"{module.name}.{name}"] = value
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_prepared_statements_name_the_organisation_too(dialect: str) -> None:
    """The watch does not see them: they go to the driver as text, compiled once."""
    found = _prepared()
    assert len(found) > 20
    unscoped = [name for name, prepared in found.items() if is_unscoped(prepared.build(dialect))]
    # The token is how the organisation is learnt.
    assert set(unscoped) <= {"webapp.store.queries.devices._CALLING"}
