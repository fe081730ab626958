"""`baton person export` and `baton person erase`, as a program reads them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.support.exports import order_id, ready, row, write_csv


def test_a_program_hands_out_and_erases(baton: Any, tmp_path: Path) -> None:
    buyer = {"recipient": "Siti Aminah", "phone": "+60123456789"}
    cancelled = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 10:00:00"}
    path = write_csv(tmp_path / "orders.csv", [row(1, **buyer, **cancelled), ready(2, recipient="Ahmad")])
    assert baton("import", str(path))[0] == 0
    out = tmp_path / "siti.zip"
    told, done = baton("person", "export", "Siti Aminah", "--out", str(out))
    assert (told, done["id"], done["parts"]["orders"]) == (0, order_id(1), 1)
    with zipfile.ZipFile(out) as pack:
        assert json.loads(pack.read("orders.json"))[0]["phone"] == "+60123456789"
    told, refused = baton("person", "erase", "Siti Aminah")
    assert (told, order_id(1) in refused["detail"]) == (1, True), "a name alone erases nobody"
    three = [
        row(n, recipient="Ahmad Bakri", phone=phone, buyer=buyer, **cancelled)
        for n, phone, buyer in ((5, "+60111111111", "a"), (6, "+60111111111", "a"))
    ]
    assert baton("import", str(write_csv(tmp_path / "three.csv", three)))[0] == 0
    told, refused = baton("person", "erase", "Ahmad Bakri")
    assert (told, "+60111111111" in refused["detail"]) == (1, True), (
        "by an order's id one order would be left"
    )
    told, done = baton("person", "erase", order_id(1))
    assert (told, done["counts"]["orders"]) == (0, 1)
    assert any("Backups" in reason for reason in done["stays"])
    assert baton("import", str(path))[0] == 0
    assert baton("person", "export", "Siti Aminah", "--out", str(out))[1]["code"] == "not-found"
    told, refused = baton("person", "erase", order_id(2))
    assert (told, refused["code"]) == (1, "still-used")
