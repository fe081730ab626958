"""The promise of the ledger: the same set of events gives the same parcels, however it arrives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import ledger
from sync.intake import Sender
from sync.rules.parcel import About
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import KEYS, NOON, Phone, blob, new_codes, proof

CODES = new_codes(4, seed=11)
TRACKING = "JX1234567890"
ABOUTS = (
    About(CODES[0], carrier="jnt", run_ids=frozenset({"run-1"})),
    About(CODES[1], carrier="spx", run_ids=frozenset({"run-1"})),
    About(CODES[2], tracking_number=TRACKING),
)
SCANS = [CODES[0], CODES[1], TRACKING, CODES[3], "UNHEARD-OF-77"]  # the last two nobody imported
PLACES = {"run-1": (-6.2, 106.8)}
FIELD = ["pack", "collect", "collect", "drop_off", "deliver", "attempt", "attempt", "report", "return"]
OFFICE = [
    "confirm",
    "label",
    "cancel",
    "carrier_scan",
    "out_for_delivery",
    "hold",
    "deem_lost",
    "deem_cancelled",
]


@dataclass(frozen=True)
class Step:
    who: int
    kind: str
    parcels: list[str]
    minute: float
    target: int
    variant: int
    is_fork: bool
    is_lost: bool


STEPS = st.lists(
    st.builds(
        Step,
        who=st.integers(0, 2),
        kind=st.sampled_from(["field", "field", "field", "office", "void", "void", "blob_lost", "resolve"]),
        parcels=st.lists(st.sampled_from(SCANS), min_size=1, max_size=3, unique=True),
        minute=st.one_of(st.integers(0, 90), st.sampled_from([-9000.0, 0.5, 500.0])),
        target=st.integers(0, 30),
        variant=st.integers(0, 20),
        is_fork=st.sampled_from([False] * 7 + [True]),
        is_lost=st.sampled_from([False] * 7 + [True]),
    ),
    min_size=2,
    max_size=14,
)


def play(steps: list[Step], prefix: str = "") -> dict[str, tuple[Sender, list[str]]]:
    """What the three devices sealed and what of it is ever sent: two phones and the server."""
    phones = [
        Phone(prefix + "dev-1", "courier", KEYS[0]),
        Phone(prefix + "dev-2", "clerk", None),
        Phone(prefix + "server", "office", KEYS[2]),
    ]
    phones[1].actor = "courier" if len(steps) % 2 else "clerk"  # the same person may hold two phones
    sent: dict[str, list[str]] = {phone.device: [] for phone in phones}
    made: list[dict[str, Any]] = []
    for step in steps:
        phone = phones[2 if step.kind in ("office", "resolve") else step.who % 2]
        payload = phone.payload(*content(step, made))
        payload.update(extras(step, made))
        if step.is_fork and phone.seq:
            payload["seq"] = phone.seq  # a cloned profile: the same number again
        made.append(payload)
        jws = phone.seal_payload(payload)
        if not step.is_lost:
            sent[phone.device].append(jws)
    senders = [phone.sender for phone in phones]
    senders[2] = replace(senders[2], actor_ids=None)
    return {sender.device_id: (sender, sent[sender.device_id]) for sender in senders}


def content(step: Step, made: list[dict[str, Any]]) -> tuple[str, list[str], float]:
    if step.kind == "field":
        return FIELD[step.variant % len(FIELD)], step.parcels, step.minute
    if step.kind == "office":
        return OFFICE[step.variant % len(OFFICE)], step.parcels, step.minute
    return step.kind, step.parcels if step.variant % 3 == 0 or step.kind == "resolve" else [], step.minute


def extras(step: Step, made: list[dict[str, Any]]) -> dict[str, Any]:
    target = made[step.target % len(made)]["id"] if made else None
    if step.kind == "void":
        return {"ref": target, "reason": "mistake"}
    if step.kind == "blob_lost":
        return {"ref": target, "blobs": [blob()]}
    if step.kind == "resolve":
        codes = ["skipped_label", "no_handover_proof", "void_requested", "sequence_gap"]
        data: dict[str, Any] = {"anomaly": codes[step.variant % 4], "event": target, "grant": True}
        if step.variant % 5 == 0:
            data = {"anomaly": codes[step.variant % 4], "status": "damaged"}
        return {"data": data}
    more: dict[str, Any] = {"reason": "damage", "data": {"stage": "done" if step.variant % 2 else "start"}}
    more["run"] = ["run-1", "run-2", None][step.variant % 3]
    more["carrier"] = ["jnt", "spx", None, None][step.variant % 4]
    more["expected"] = [None, 1, 2][step.variant % 3]
    more["place"] = {"lat": -6.2, "lon": 106.8 + step.variant / 1000}
    return {**proof(), **more} if step.variant % 4 else more


def arrive(batches: list[ledger.Batch]) -> MemoryJournal:
    journal = MemoryJournal(*ABOUTS, places=PLACES)
    for batch in batches:
        ledger.accept(batch, journal, NOON)
    return journal


def picture(journal: MemoryJournal) -> dict[str, Any]:
    """All that must not depend on the arrival."""
    return {
        "states": journal.states,
        "marks": {id_: entry.marks for id_, entry in journal.entries.items()},
        "times": {id_: entry.effective_at for id_, entry in journal.entries.items()},
        "parcels": {id_: sorted(links) for id_, links in journal.links.items()},
        "ranges": journal.ranges,
        "books": journal.about,
    }


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, data=st.data())
def test_any_order_batching_and_repetition_gives_the_same_parcels(
    steps: list[Step], data: st.DataObject
) -> None:
    devices = play(steps)
    expected = arrive([ledger.Batch(sender, sent) for sender, sent in devices.values()])

    everything = [(name, jws) for name, (_, sent) in devices.items() for jws in sent]
    again = data.draw(st.lists(st.sampled_from(everything), max_size=5)) if everything else []
    shuffled = data.draw(st.permutations([*everything, *again]))
    cuts = data.draw(st.lists(st.booleans(), min_size=len(shuffled), max_size=len(shuffled)))
    batches: list[ledger.Batch] = []
    for (name, jws), is_cut in zip(shuffled, cuts, strict=True):
        sender = devices[name][0]
        if batches and not is_cut and batches[-1].sender.device_id == name:
            batches[-1] = ledger.Batch(sender, [*batches[-1].events, jws])
        else:
            batches.append(ledger.Batch(sender, [jws]))
    journal = arrive(batches)

    assert picture(journal) == picture(expected)
    assert not journal.quarantined
    assert {s.code: s for s in ledger.refold(list(journal.about), journal) if s.last_fact_at} == {
        code: state for code, state in journal.states.items() if state.last_fact_at
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_sending_everything_again_answers_duplicate_and_changes_nothing(steps: list[Step]) -> None:
    devices = play(steps)
    batches = [ledger.Batch(sender, sent) for sender, sent in devices.values()]
    journal = arrive(batches)
    before = picture(journal)
    first = {id_: entry.effects for id_, entry in journal.entries.items()}
    appended = journal.calls["append"]

    for batch in batches:
        for result in ledger.accept(batch, journal, NOON).results:
            assert result.status == "duplicate"
            assert result.effects == first[result.id or ""]

    assert picture(journal) == before
    assert journal.calls["append"] == appended
