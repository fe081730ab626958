"""The rules as one JSON-able document, for `/sync/v1/rules`: the phone predicts with it, never decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sync.rules.anomalies import CATALOGUE
from sync.rules.carriers import for_phones
from sync.rules.lifecycle import CONDITIONS, STATUSES, TABLE
from sync.rules.packing import GUIDE, Point
from sync.rules.policy import Policy, load
from sync.rules.reasons import REASONS


def export(
    carriers: Iterable[Mapping[str, Any]] = (),
    policy: Policy | None = None,
    checklist: Iterable[Point] = GUIDE,
) -> dict[str, Any]:
    """`{version, table, conditions, statuses, anomalies, reasons, policies, carriers, known_carriers, checklist}`.

    `carriers` are the shop's own, `{code, name, tracking_pattern, check, built_in}`; `known_carriers` those of the
    public table, to say whose a strange number looks like; `checklist` what is asked of whoever packs.
    `version` is a digest of all the rest, so it changes
    exactly when something did; it serves as the ETag too.
    """
    policy = policy or load()
    rules: dict[str, Any] = {
        "table": table(),
        "conditions": dict(CONDITIONS),
        "statuses": list(STATUSES),
        "anomalies": {
            kind.code: {"sentence": kind.sentence, "severity": kind.severity} for kind in CATALOGUE.values()
        },
        "reasons": {
            kind: [{"code": code, "label": label} for code, label in rows] for kind, rows in REASONS.items()
        },
        "policies": {
            "pack": policy.name,
            "pack_version": policy.version,
            "undo_within_s": policy.undo_within_s,
            "attempt_limit": policy.attempt_limit,
            "attempt_outcome": policy.attempt_outcome,
            "photo": dict(policy.photo),
        },
        "carriers": [
            {
                "code": c["code"],
                "name": c["name"],
                "tracking_pattern": c.get("tracking_pattern"),
                "check": c.get("check"),
                "built_in": c.get("built_in"),
            }
            for c in carriers
        ],
        "known_carriers": for_phones(),
        "checklist": [point.as_dict() for point in checklist],
    }
    text = json.dumps(rules, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"version": hashlib.sha256(text.encode()).hexdigest()[:16], **rules}


def table() -> dict[str, dict[str, dict[str, Any]]]:
    """`{kind: {status: {"to", "anomalies"}}}`; a kind may be `<kind>.<variant>`, see `lifecycle.row_of`."""
    return {
        kind: {status: {"to": step.to, "anomalies": list(step.anomalies)} for status, step in row.items()}
        for kind, row in TABLE.items()
    }
