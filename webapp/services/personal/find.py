"""Find the one person that somebody means: of the shop's own people, or who bought something."""

from __future__ import annotations

from dataclasses import dataclass

from sync.protocol.problems import Problem
from webapp.store.models import Order, User
from webapp.store.queries import persons as ask
from webapp.store.unit import Session

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: `user` of the shop, or the buyer of `orders`. `others` are orders that may be the same buyer's."""

    name: str
    user: User | None = None
    orders: tuple[Order, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What has to be typed to erase them: the person's id, or the order's (of several the first)."""
        return self.user.id if self.user is not None else self.orders[0].order_id

    @property
    def is_erased(self) -> bool:
        """Whether they were erased before; what was written or handed over since is not."""
        if self.user is not None:
            return self.user.erased_at is not None
        return all(order.erased_at is not None for order in self.orders)


def find_person(session: Session, org_id: str, asked: str) -> Person:
    """By id, e-mail or full name of the shop's own; by order id, telephone number or full name of who bought.

    Problems `not-found`; `field-invalid` when the words fit several people, whose data must not be mixed.
    """
    text = " ".join(asked.split())
    users = ask.staff(session, org_id, text) if text else []
    orders = ask.orders_of(session, org_id, text) if text else []
    if not users and not orders:
        raise Problem(
            "not-found",
            "Nobody is known by that. Give the full name, an e-mail, an order id or a telephone number.",
        )
    fits = [user.id for user in users] + [same[0].order_id for same in _by_phone(orders)]
    if len(fits) > 1:
        ids = ", ".join(fits[:_NAMED]) + (" …" if len(fits) > _NAMED else "")
        raise Problem("field-invalid", f"That fits several people; say which by id or order id: {ids}.")
    if users:
        return Person(users[0].name, users[0])
    others = ask.alike(session, org_id, orders)
    return Person(_name_of(orders), None, tuple(orders), tuple(others))


def _by_phone(orders: list[Order]) -> list[list[Order]]:
    """One buyer has one telephone number; without any, one buyer's name. What is masked tells nobody apart."""
    groups: dict[str, list[Order]] = {}
    for order in orders:
        told = [value for value in (order.phone, order.buyer, order.recipient) if ask.tells(value)]
        groups.setdefault(str(told[0]) if told else order.order_id, []).append(order)
    return list(groups.values())


def _name_of(orders: list[Order]) -> str:
    told = next((order.recipient or order.buyer for order in orders if order.recipient or order.buyer), None)
    return told or ask.ERASED_NAME
