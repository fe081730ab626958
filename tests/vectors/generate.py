"""Write the vectors that Python and JavaScript are both tested with: `python -m tests.vectors.generate`.

Run it when a rule changes on purpose, and read the difference. `museum/` is never rewritten: it holds
what released phones have sent, and must stay readable for ever.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from sync.protocol import codes
from sync.rules.export import table
from sync.rules.lifecycle import CONDITIONS, STATUSES

HERE = Path(__file__).parent


def write(name: str, document: Any) -> None:
    """One JSON document, readable in a diff."""
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def code_vectors() -> dict[str, Any]:
    """`{"valid": [{"typed", "code"}], "invalid": [typed]}`."""
    rng = random.Random(20261122)
    made = [codes.new_code(rng.randrange) for _ in range(24)]
    valid = [{"typed": code, "code": code} for code in made]
    valid += [{"typed": codes.pretty(code).lower(), "code": code} for code in made[:6]]
    valid += [
        {"typed": code.replace("0", "o").replace("1", "l"), "code": code}
        for code in made
        if "0" in code or "1" in code
    ]
    valid += [{"typed": f" {made[0][:6]} {made[0][6:]}\n", "code": made[0]}]
    valid += [{"typed": "0" * 12, "code": "0" * 12}]
    invalid = ["", " ", "-", "0" * 11, "0" * 13, made[0] + made[1], "U" * 12, made[0][:-1] + "*"]
    invalid += [made[0] + "\u0000", "\u017f" * 12, made[2][:-1] + "\u00e9", "\uff10" * 12]
    for code in made[:8]:
        at = rng.randrange(12)
        invalid.append(code[:at] + codes.ALPHABET[(codes.ALPHABET.index(code[at]) + 7) % 32] + code[at + 1 :])
        for first in range(11):
            if code[first] != code[first + 1]:
                invalid.append(code[:first] + code[first + 1] + code[first] + code[first + 2 :])
                break
    return {"alphabet": codes.ALPHABET, "valid": valid, "invalid": invalid}


def transition_vectors() -> dict[str, Any]:
    """The table as a flat list: `{"status", "kind", "to", "anomalies"}` for every pair."""
    rows = [
        {"kind": kind, "status": status, **step}
        for kind, row in table().items()
        for status, step in row.items()
    ]
    return {"statuses": list(STATUSES), "conditions": CONDITIONS, "rows": rows}


def main() -> None:
    """Write every vector."""
    write("codes.json", code_vectors())
    write("transitions.json", transition_vectors())


if __name__ == "__main__":
    main()
