"""An order is only as far as its parcels are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.lifecycle import STATUSES
from sync.rules.orders import order_status


@pytest.mark.parametrize(
    ("parcels", "status"),
    [
        ([], None),
        (["handed_over"], "handed_over"),
        (["handed_over", "ready"], "ready"),
        (["in_transit", "delivered"], "in_transit"),
        (["cancelled", "cancelled"], "cancelled"),
        (["cancelled", "expected"], "expected"),
        (["cancelled", "delivered"], "delivered"),
        (["lost", "delivered"], "lost"),
        (["returned", "damaged"], "damaged"),
        (["returning", "returned"], "returning"),
    ],
)
def test_an_order_is_as_far_as_the_least_far_of_its_parcels(parcels: list[str], status: str | None) -> None:
    assert order_status(parcels) == status


@given(st.lists(st.sampled_from(STATUSES), min_size=1))
def test_it_is_one_of_its_parcels_statuses_and_their_order_does_not_matter(parcels: list[str]) -> None:
    assert order_status(parcels) in parcels
    assert order_status(reversed(parcels)) == order_status(parcels)
    assert (order_status(parcels) == "cancelled") == all(status == "cancelled" for status in parcels)
