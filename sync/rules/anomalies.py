"""The catalogue of anomalies: a stable code, a plain sentence and a severity (RULES section 4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of anomaly. `severity` is info, warning or urgent."""

    code: str
    sentence: str
    severity: str


_ROWS = (
    ("skipped_confirm", "info", "Nobody confirmed that it was in stock before the next step."),
    ("skipped_pack", "info", "The next step came without a packing record."),
    ("skipped_label", "info", "The next step came without a label."),
    ("handed_over_twice", "warning", "Two different people recorded a handover."),
    ("handed_over_after_cancel", "urgent", "It was handed over although it was cancelled."),
    ("no_handover_proof", "warning", "It moved on, but there is no proof of our handover."),
    ("wrong_carrier", "warning", "It was handled for another carrier than its own."),
    ("not_on_list", "warning", "It was scanned in a run that does not list it."),
    ("unknown_parcel", "warning", "It was scanned, but no order is known for it."),
    ("count_mismatch", "warning", "The number counted is not the number expected."),
    ("pack_unchecked", "warning", "A point of the packing checklist was not ticked."),
    ("dangerous_goods", "urgent", "It holds dangerous goods that the office has not let go."),
    ("clock_suspect", "info", "The phone's clock cannot be trusted for this event."),
    ("sequence_gap", "warning", "The event before this one has not arrived from the phone."),
    ("chain_fork", "urgent", "The phone's chain of events is broken here or exists twice."),
    ("bad_signature", "urgent", "The signature does not fit the phone's key."),
    ("vouched", "warning", "The office took this record in from quarantine."),
    ("unsigned", "info", "The phone could not sign this event."),
    ("incomplete", "warning", "The record lacks a part that its kind must have."),
    ("blob_missing", "warning", "A photo or signature that belongs to it never arrived."),
    ("photo_mismatch", "warning", "The tag in the photo belongs to another parcel."),
    ("photo_poor", "info", "The photo is too blurred or too dark to prove anything."),
    ("photo_reused", "warning", "The same photo was used for another record."),
    ("signature_empty", "warning", "The signature is empty."),
    ("recovered", "info", "It had been deemed gone and turned up."),
    ("delivered_after_return", "warning", "A delivery was recorded after the return."),
    ("place_far", "warning", "It was recorded more than 500 m from the planned place."),
    ("void_requested", "warning", "Somebody asks to withdraw a record; only the office may."),
    ("awaiting_carrier_scan", "warning", "The carrier has not scanned it since our handover."),
)

CATALOGUE: dict[str, Kind] = {code: Kind(code, sentence, severity) for code, severity, sentence in _ROWS}

# Findings about the phone and its chain: they stay even when the event itself was withdrawn.
INTEGRITY = frozenset({"sequence_gap", "chain_fork", "unsigned", "clock_suspect"})


def severity(code: str) -> str:
    """info, warning or urgent; a code from a newer version counts as a warning."""
    kind = CATALOGUE.get(code)
    return kind.severity if kind else "warning"
