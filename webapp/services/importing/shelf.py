"""The parcels that the books hold, found by whatever an export calls them."""

from __future__ import annotations

from collections.abc import Iterable

from webapp.services.importing.meaning.orders import Group
from webapp.store.queries.importing import HeldParcel


class Shelf:
    """The books' parcels by everything they can be found by."""

    def __init__(self, parcels: Iterable[HeldParcel]) -> None:
        self._by: dict[tuple[str, str], list[HeldParcel]] = {}
        for held in parcels:
            names = [("order", order_id) for order_id in held.orders]
            names += [("package", held.package_id)] if held.package_id else []
            names += [("tracking", held.tracking)] if held.tracking else []
            for name in names:
                self._by.setdefault(name, []).append(held)

    def of(self, group: Group) -> dict[str, HeldParcel]:
        """Every parcel in the books that has to do with these orders, by code."""
        names = [("order", order.order_id) for order in group.orders]
        for parcel in group.parcels:
            names += [("package", parcel.package_id)] if parcel.package_id else []
            names += [("tracking", parcel.tracking)] if parcel.tracking else []
        return {held.code: held for name in names for held in self._by.get(name, ())}
