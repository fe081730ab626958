"""From rows to orders and parcels, and what the marketplace's stages prove."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.fragile import WORDS, checked_words, is_fragile
from sync.rules.lifecycle import TABLE, row_of
from sync.rules.pack import zone_of
from tests.support.exports import order_id, ready, row, shipped, sku_id
from webapp.services.importing.meaning.facts import wanted_facts
from webapp.services.importing.meaning.orders import Group, build_group
from webapp.services.importing.meaning.platform import stage_of
from webapp.services.importing.meaning.rows import Line, read_row

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def line(number: int, cells: dict[str, Any]) -> Line:
    read = read_row(number, {name: cell for name, cell in cells.items() if cell != ""}, "dmy", zone_of("MY"))
    assert isinstance(read, Line), read
    return read


def group_of(*rows: dict[str, Any]) -> tuple[Group, list[str]]:
    group, refused = build_group([line(n, cells) for n, cells in enumerate(rows, start=2)])
    return group, [f"{one.row} {one.code}" for one in refused]


@dataclass
class Held:
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


def facts_of(*rows: dict[str, Any], held: tuple[Held, ...] = ()) -> list[tuple[str, datetime]]:
    group, refused = group_of(*rows)
    assert not refused
    (parcel,) = group.parcels
    return [(row_of(f.kind, f.data), f.at) for f in wanted_facts(parcel, held, NOW)]


# -- rows, orders, parcels


def test_every_bad_cell_of_a_row_is_named_at_once() -> None:
    cells = row(
        1, sku_id="1.7E+18", quantity="x", amount="?", created_at="20/13/2026 10:00:00", weight="much"
    )
    refused = read_row(7, cells, "dmy", zone_of("MY"))
    assert isinstance(refused, list)
    assert {one.column for one in refused} == {
        "SKU ID",
        "Quantity",
        "Order Amount",
        "Created Time",
        "Weight(kg)",
    }
    assert {one.row for one in refused} == {7}


@pytest.mark.parametrize("written", ["-", "/", "0"])
@pytest.mark.parametrize("paid", ["", "20/11/2026 10:00:00"])
def test_a_sign_for_nothing_is_no_time_of_creation(written: str, paid: str) -> None:
    cells = row(1, created_at=written, **({"paid_at": paid} if paid else {}))
    refused = read_row(7, cells, "dmy", zone_of("MY"))
    assert isinstance(refused, list)
    assert [(one.column, one.code) for one in refused] == [("Created Time", "date_missing")]


def test_rows_of_one_order_are_one_order_with_a_line_for_each_sku() -> None:
    group, _ = group_of(ready(1), ready(1, sku_id=sku_id(2), quantity="3"))
    (order,) = group.orders
    (parcel,) = group.parcels
    assert [(each.sku_id, each.quantity) for each in order.lines] == [(sku_id(1), 1), (sku_id(2), 3)]
    assert parcel.items == 4


def test_one_package_with_two_orders_is_one_parcel() -> None:
    package = {"package_id": "1150000000000000001", "tracking": "MY1"}
    group, _ = group_of(ready(1, **package), ready(2, **package))
    assert len(group.orders) == 2
    (parcel,) = group.parcels
    assert parcel.orders == [order_id(1), order_id(2)]


def test_one_order_in_two_packages_is_two_parcels_and_one_line_with_the_sum() -> None:
    group, refused = group_of(
        ready(1, quantity="2"), ready(1, quantity="3", package_id="1150000000000000099", tracking="MY99")
    )
    assert refused == []
    assert sorted(parcel.items for parcel in group.parcels) == [2, 3]
    assert group.orders[0].lines[0].quantity == 5


def test_a_row_that_is_there_twice_counts_once() -> None:
    group, refused = group_of(ready(1, quantity="2"), ready(1, quantity="2"))
    assert refused == []
    assert group.orders[0].lines[0].quantity == 2
    assert group.parcels[0].items == 2


def test_the_same_sku_with_another_content_takes_its_whole_order_out() -> None:
    group, refused = group_of(ready(1), ready(1, quantity="2"), ready(2), ready(1, sku_id=sku_id(9)))
    assert refused == ["3 row_conflict", "2 order_held_back", "5 order_held_back"]
    assert [order.order_id for order in group.orders] == [order_id(2)]


OFF = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "20/11/2026 12:00:00"}


def quantities(group: Group) -> list[list[int]]:
    return [[each.quantity for each in order.lines] for order in group.orders]


def test_a_cancelled_line_counts_as_none_while_the_rest_of_its_order_goes_on() -> None:
    """`R1`, `R29`: neither packed nor kept back; in a package of its own no other answers for it."""
    group, _ = group_of(ready(1, quantity="2"), ready(1, sku_id=sku_id(2), quantity="3", **OFF))
    assert (quantities(group), [parcel.items for parcel in group.parcels]) == ([[2, 0]], [2])
    other = {"package_id": "1150000000000000099", "tracking": "MY99"}
    group, _ = group_of(ready(1, quantity="2"), ready(1, quantity="3", **OFF, **other))
    assert (quantities(group), [parcel.items for parcel in group.parcels]) == ([[2]], [2, 3])


def test_an_order_that_is_cancelled_whole_keeps_its_quantities_unless_its_parcel_goes_on() -> None:
    group, _ = group_of(ready(1, quantity="2", **OFF), ready(1, sku_id=sku_id(2), **OFF))
    assert (quantities(group), [parcel.items for parcel in group.parcels]) == ([[2, 1]], [3])
    package = {"package_id": "1150000000000000001", "tracking": "MY1"}
    group, _ = group_of(ready(1, quantity="2", **OFF, **package), ready(2, **package))
    assert (quantities(group), [parcel.items for parcel in group.parcels]) == ([[0], [1]], [1])


def test_a_line_that_was_cancelled_before_it_was_packaged_makes_no_parcel() -> None:
    loose = {"package_id": "", "tracking": ""}
    group, _ = group_of(ready(1, sku_id=sku_id(2), **OFF, **loose), ready(1))
    (parcel,) = group.parcels
    assert (parcel.package_id, parcel.items) == ("1150000000000000001", 1)
    group, _ = group_of(ready(1, sku_id=sku_id(2), **OFF, **loose), ready(1, **OFF, **loose))
    assert [parcel.items for parcel in group.parcels] == [2]


def test_without_a_package_the_tracking_number_makes_the_parcel_and_without_both_the_order() -> None:
    group, _ = group_of(
        ready(1, package_id="", tracking="MY1"), ready(2, package_id="", tracking="MY1"), row(3)
    )
    assert [parcel.orders for parcel in group.parcels] == [[order_id(1), order_id(2)], [order_id(3)]]


def test_an_order_is_shipped_only_when_all_of_it_is() -> None:
    half, _ = group_of(shipped(1), row(1, sku_id=sku_id(2)))
    assert half.orders[0].values["shipped_at"] is None
    assert half.orders[0].values["platform_status"] == "To ship"
    whole, _ = group_of(shipped(1), shipped(1, sku_id=sku_id(2)))
    assert whole.orders[0].values["shipped_at"] is not None


@given(st.permutations([ready(1), ready(1, sku_id=sku_id(2)), ready(1, sku_id=sku_id(3), quantity="2")]))
def test_the_order_of_rows_changes_no_parcel(rows: list[dict[str, Any]]) -> None:
    group, refused = group_of(*rows)
    assert refused == []
    assert group.parcels[0].items == 4
    assert {each.sku_id for each in group.orders[0].lines} == {sku_id(1), sku_id(2), sku_id(3)}


def test_the_digest_changes_with_any_column_that_is_kept() -> None:
    base = group_of(ready(1))[0].orders[0].digest
    for change in (
        {"recipient": "B***"},
        {"quantity": "2"},
        {"tracking": "MY2"},
        {"substatus": "In transit"},
    ):
        assert group_of(ready(1, **change))[0].orders[0].digest != base
    assert group_of(ready(1))[0].orders[0].digest == base


# -- stages and facts


@pytest.mark.parametrize(
    ("status", "substatus", "stage"),
    [
        ("Unpaid", None, "unpaid"),
        ("To ship", "On hold", "on_hold"),
        ("To ship", "Awaiting shipment", "awaiting_shipment"),
        ("To ship", "Awaiting collection", "awaiting_collection"),
        ("AWAITING_COLLECTION", None, "awaiting_collection"),
        ("Shipped", "In transit", "in_transit"),
        ("Shipped", "Delivered", "delivered"),
        ("Completed", None, "delivered"),
        ("Canceled", None, "cancelled"),
        ("CANCELLED", None, "cancelled"),
        ("Dibatalkan", None, "cancelled"),
        ("Đã hủy", None, "cancelled"),
        ("ยกเลิกแล้ว", None, "cancelled"),
    ],
)
def test_stages_are_known_by_their_words(status: str, substatus: str | None, stage: str) -> None:
    assert stage_of(status, substatus, {}).name == stage


@pytest.mark.parametrize(
    ("times", "stage"),
    [
        ({"created_at": NOW}, "unpaid"),
        ({"created_at": NOW, "paid_at": NOW}, "awaiting_shipment"),
        ({"created_at": NOW, "rts_at": NOW}, "awaiting_collection"),
        ({"created_at": NOW, "rts_at": NOW, "shipped_at": NOW}, "in_transit"),
        ({"shipped_at": NOW, "delivered_at": NOW}, "delivered"),
        ({"created_at": NOW, "cancelled_at": NOW}, "cancelled"),
    ],
)
def test_stages_in_a_language_nobody_has_met_are_known_by_their_times(times: dict, stage: str) -> None:
    assert stage_of("Perlu dikemas", "??", times).name == stage


def test_awaiting_shipment_proves_nothing() -> None:
    assert facts_of(row(1)) == []


def test_awaiting_collection_makes_a_parcel_ready_and_raises_nothing() -> None:
    assert facts_of(ready(1)) == [("label.platform", datetime(2026, 11, 20, 3, 0, tzinfo=UTC))]
    for status in ("expected", "confirmed", "packed"):
        assert TABLE["label.platform"][status].to == "ready"
        assert TABLE["label.platform"][status].anomalies == ()


def test_shipped_and_delivered_are_the_carriers_facts_at_the_marketplaces_times() -> None:
    kinds = facts_of(shipped(1, substatus="Delivered", delivered_at="21/11/2026 12:00:00"))
    assert kinds == [
        ("label.platform", datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("carrier_scan", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("carrier_scan.delivered", datetime(2026, 11, 21, 4, tzinfo=UTC)),
    ]


def test_what_the_ledger_has_is_not_said_again_whoever_said_it() -> None:
    everything = shipped(1, substatus="Delivered", delivered_at="21/11/2026 12:00:00")
    held = (Held("label"), Held("carrier_scan", {"source": "import"}))
    assert [kind for kind, _ in facts_of(everything, held=held)] == ["carrier_scan.delivered"]
    assert facts_of(row(1, status="Canceled", substatus=""), held=(Held("cancel"),)) == []


def test_a_cancellation_comes_after_what_happened_before_it() -> None:
    cells = ready(
        1, status="Canceled", substatus="Canceled", cancelled_at="20/11/2026 11:00:00", cancel_by="Buyer"
    )
    kinds = facts_of(cells)
    assert [kind for kind, _ in kinds] == ["label.platform", "cancel"]
    assert kinds[0][1] < kinds[1][1]


@pytest.mark.parametrize(
    ("reason", "fact"),
    [
        ("package_lost", "carrier_scan.lost"),
        ("Package damaged", "carrier_scan.damaged"),
        ("returned_to_shipper_refused", "carrier_scan.returned"),
        ("Out of stock", "cancel"),
        ("", "cancel"),
    ],
)
def test_a_cancellation_whose_reason_is_what_became_of_the_package_says_that(reason: str, fact: str) -> None:
    cells = shipped(1, **OFF, cancel_reason=reason, shipped_at="20/11/2026 18:00:00")
    cells["cancelled_at"] = "21/11/2026 09:00:00"
    found = facts_of(cells)
    assert [kind for kind, _ in found] == ["label.platform", "carrier_scan", fact]
    kind, _, status = fact.partition(".")
    held = (Held("label"), Held("carrier_scan"), Held(kind, {"status": status} if status else {}))
    assert facts_of(cells, held=held) == [], "and it is said once"


def test_a_parcel_is_cancelled_only_when_all_of_it_is() -> None:
    half = ready(
        1, sku_id=sku_id(2), status="Canceled", substatus="Canceled", cancelled_at="20/11/2026 12:00:00"
    )
    assert [kind for kind, _ in facts_of(ready(1), half)] == ["label.platform"]


def test_a_cancellation_that_is_only_asked_for_is_a_request() -> None:
    assert facts_of(row(1, cancel_type="Cancel")) == [("cancel.requested", NOW)]
    assert facts_of(row(1, cancel_type="Cancel"), held=(Held("cancel", {"requested": True}),)) == []
    assert facts_of(shipped(1, status="Completed", substatus="", cancel_type="Return/Refund")) != []


def test_unpaid_orders_are_held_back_until_the_marketplace_lets_them_go() -> None:
    on = Held("hold", {"source": "import", "on": True})
    assert facts_of(row(1, status="Unpaid", substatus="")) == [("hold", NOW)]
    assert facts_of(row(1, status="Unpaid", substatus=""), held=(on,)) == []
    assert facts_of(row(1), held=(on,)) == [("hold", NOW)]
    assert facts_of(row(1), held=(on, Held("hold", {"source": "import", "on": False}))) == []


def test_a_hold_of_the_office_is_not_the_imports_to_lift() -> None:
    assert facts_of(row(1), held=(Held("hold", {}),)) == []


def test_an_incident_neither_stands_for_the_marketplaces_hold_nor_hides_it() -> None:
    """`R31`: force majeure is a `hold` of its own, whichever of the two came first."""
    on = Held("hold", {"source": "import", "on": True})
    incident = Held("hold", {"force_majeure": True, "incident": "1", "on": True})
    over = Held("hold", {"force_majeure": True, "incident": "1", "on": False})
    unpaid = row(1, status="Unpaid", substatus="")
    assert facts_of(row(1), held=(on, incident)) == [("hold", NOW)], "paid: it is let go"
    assert facts_of(unpaid, held=(incident,)) == [("hold", NOW)], "unpaid: it is held, incident or not"
    assert facts_of(unpaid, held=(on, incident, over)) == []


def test_no_fact_lies_in_the_future() -> None:
    late = (NOW + timedelta(days=3)).strftime("%d/%m/%Y %H:%M:%S")
    assert facts_of(ready(1, rts_at=late)) == [("label.platform", NOW)]


@pytest.mark.parametrize(
    ("typed", "note", "answer"),
    [
        ("FRAGILE!", "it is fragile!", True),
        ("(glass)", "a (glass) vase", True),
        ("bể", "hàng bể", True),
        ("bể", "bểu", False),
        ("mudah pecah", "Mudah   PECAH", True),
        ("glass; kaca, thin", "kaca", True),
        ("dê\u0303 vơ\u0303", "hàng dễ vỡ", True),
        ("dễ vỡ", "de\u0302\u0303 vo\u031b\u0303", True),
        ("碎", "易碎品", True),
    ],
)
def test_a_word_is_found_as_people_write_it(typed: str, note: str, answer: bool) -> None:
    assert is_fragile(note, checked_words(typed)) is answer


@pytest.mark.parametrize(
    ("note", "answer"),
    [
        ("FRAGILE, this side up", True),
        ("please: fragile!", True),
        ("barang mudah pecah", True),
        ("สินค้าแตกง่าย", True),
        ("hàng dễ vỡ", True),
        ("unfragile", False),
        ("glass vase", False),
        ("", False),
    ],
)
def test_only_the_sellers_own_word_makes_a_parcel_fragile(note: str, answer: bool) -> None:
    assert is_fragile(note, WORDS) is answer
