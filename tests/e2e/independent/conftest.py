"""A shop prepared by the command line alone, and a phone of its courier."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.independent import (
    CURVE,
    Phone,
    Shop,
)
from tests.support.server import Server

NEEDED = ("Order ID", "Order Status", "Order Substatus", "SKU ID", "Product Name", "Quantity", "Created Time",
          "Shipping Provider Name", "Tracking ID", "Package ID", "Recipient", "Detail Address")  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("independent")
    made = Shop(Server(folder).start())
    try:
        for role in ("courier", "driver", "seller", "office", "admin"):
            told = made.baton("user", "add", "--name", f"Person {role}", "--role", role)
            assert (told["name"], told["role"]) == (f"Person {role}", role)
            made.people[role] = told["id"]
        file = folder / "orders.csv"
        ordered = f"{datetime.now(UTC) - timedelta(days=1):%d/%m/%Y} 09:00:00"
        with file.open("w", newline="") as out:
            lines = csv.writer(out)
            lines.writerow(NEEDED)
            for n in range(1, 13):
                lines.writerow(
                    [f"5764607523034239{n:02}", "To ship", "Awaiting collection", f"17294800000000000{n:02}",
                     "Batik", 1, ordered, "J&T Express", f"MY6000000000{n:02}",
                     f"11531418000000000{n:02}", "R***", "Street"]
                )  # fmt: skip
            lines.writerow(["5.76E+17", "To ship", "", "1", "x", 1, ordered, "", "", "", "", ""])
        told = made.baton("import", str(file))
        assert {"orders", "parcels", "unchanged", "rejected"} <= set(told)
        assert (told["orders"], told["parcels"], told["unchanged"]) == (12, 12, 0), told
        assert [set(bad) for bad in told["rejected"]] == [{"row", "column", "code", "message"}]
        assert (told["rejected"][0]["row"], told["rejected"][0]["column"]) == (14, "Order ID")
        assert made.baton("import", str(file))["unchanged"] == 12
        yield made
    finally:
        made.server.kill()


@pytest.fixture(scope="module")
def courier(shop: Shop) -> Phone:
    return shop.enrol(shop.people["courier"], ec.generate_private_key(CURVE))
