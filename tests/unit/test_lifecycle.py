"""The transition table: total, as RULES section 3 has it, and the same on the phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync.protocol.events import KINDS
from sync.rules.anomalies import CATALOGUE
from sync.rules.export import export, table
from sync.rules.fold import fold
from sync.rules.lifecycle import CONDITIONS, STATUSES, TABLE, row_of
from sync.rules.parcel import About, Fact
from tests.unit.phones import NOON

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "transitions.json").read_text("utf-8"))
# RULES section 3, column "moves", in its own words: (event, from, to, anomalies that must be raised)
RULES = [
    ("confirm", "expected", "confirmed", ()),
    ("confirm", "packed", None, ()),
    ("pack", "expected", "packed", ("skipped_confirm",)),
    ("pack", "confirmed", "packed", ()),
    ("pack", "ready", None, ()),
    ("label", "packed", "ready", ()),
    ("label", "confirmed", "ready", ("skipped_pack",)),
    ("collect", "ready", "handed_over", ()),
    ("collect", "packed", "handed_over", ("skipped_label",)),
    ("drop_off", "confirmed", "handed_over", ("skipped_pack", "skipped_label")),
    ("drop_off", "handed_over", None, ("handed_over_twice",)),
    ("collect", "cancelled", None, ("handed_over_after_cancel",)),
    ("carrier_scan", "handed_over", "in_transit", ()),
    ("carrier_scan", "ready", "in_transit", ("no_handover_proof",)),
    ("carrier_scan", "lost", "in_transit", ("recovered", "no_handover_proof")),
    ("carrier_scan", "cancelled", None, ("no_handover_proof",)),
    ("carrier_scan.lost", "ready", "lost", ("no_handover_proof",)),
    ("carrier_scan.damaged", "ready", "damaged", ("no_handover_proof",)),
    ("out_for_delivery", "handed_over", "out_for_delivery", ()),
    ("out_for_delivery", "in_transit", "out_for_delivery", ()),
    ("deliver", "out_for_delivery", "delivered", ("no_handover_proof",)),
    ("deliver", "expected", "delivered", ("no_handover_proof",)),
    ("deliver", "lost", "delivered", ("recovered", "no_handover_proof")),
    ("deliver", "returned", None, ("delivered_after_return",)),
    ("deliver", "delivered", None, ()),
    ("attempt", "out_for_delivery", "in_transit", ()),
    ("report", "in_transit", None, ()),
    ("return.start", "in_transit", "returning", ()),
    ("return.done", "returning", "returned", ()),
    ("cancel", "ready", "cancelled", ()),
    ("cancel", "handed_over", None, ()),
    ("void", "handed_over", None, ()),
    ("deem_lost", "in_transit", "lost", ()),
    ("deem_lost", "delivered", None, ()),
    ("deem_cancelled", "in_transit", "cancelled", ()),
]


def test_every_pair_of_event_and_status_has_an_outcome() -> None:
    assert {row.split(".")[0] for row in TABLE} == KINDS
    for row in TABLE.values():
        assert tuple(row) == STATUSES
        for status, step in row.items():
            assert step.to is None or (step.to in STATUSES and step.to != status)
            assert set(step.anomalies) <= set(CATALOGUE)


@pytest.mark.parametrize(("kind", "status", "to", "anomalies"), RULES)
def test_the_table_says_what_the_rules_say(
    kind: str, status: str, to: str | None, anomalies: tuple[str, ...]
) -> None:
    step = TABLE[kind][status]
    assert (step.to, step.anomalies) == (to, anomalies)


def test_no_event_ever_leads_back_before_the_handover() -> None:
    early = STATUSES[:4]
    for row in TABLE.values():
        for status, step in row.items():
            if step.to in early:
                assert STATUSES.index(status) < STATUSES.index(step.to)


def test_the_vectors_for_the_phone_are_this_table() -> None:
    assert VECTORS["statuses"] == list(STATUSES)
    assert VECTORS["conditions"] == CONDITIONS
    rows: dict[str, dict[str, object]] = {}
    for row in VECTORS["rows"]:
        rows.setdefault(row["kind"], {})[row["status"]] = {"to": row["to"], "anomalies": row["anomalies"]}
    assert rows == table()


@pytest.mark.parametrize("kind", sorted(TABLE))
@pytest.mark.parametrize("status", STATUSES)
def test_the_fold_moves_as_the_table_says(kind: str, status: str) -> None:
    name, _, variant = kind.partition(".")
    data = {
        "return": {"stage": variant},
        "carrier_scan": {"status": variant},
        "label": {"source": "import"},
        "cancel": {variant: True},
    }
    put = Fact("1", "server", "office", 1, "resolve", NOON, NOON, data={"status": status})
    act = Fact("2", "server", "office", 2, name, NOON, NOON, data=data.get(name, {}) if variant else {})
    assert row_of(act.kind, act.data) == kind
    state = fold([put, act], About("C"))
    step = TABLE[kind][status]
    assert state.status == (step.to or status)
    unconditional = [code for code in step.anomalies if code not in CONDITIONS]
    assert [a.code for a in state.anomalies if a.code not in (*CONDITIONS, "blob_missing")] == sorted(
        unconditional
    )


def test_the_exported_rules_change_their_version_with_their_content() -> None:
    plain = export()
    assert plain == export()
    carrier = {"code": "jnt", "name": "J&T", "tracking_pattern": None, "check": None, "built_in": None}
    assert export([carrier])["version"] != plain["version"]
    assert export([carrier])["carriers"] == [carrier]
    assert json.loads(json.dumps(plain)) == plain
    assert plain["policies"]["attempt_limit"] == 2
    assert set(plain) == {
        *(
            "version",
            "table",
            "conditions",
            "statuses",
            "anomalies",
            "reasons",
            "policies",
            "carriers",
            "known_carriers",
            "checklist",
        )
    }
