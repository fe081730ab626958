"""Things of another shop that nobody of this one may reach: a case, a notice, a product."""

from __future__ import annotations

from sqlalchemy import select

from tests.support.hostile import World
from webapp import clock
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.notices import raise_notice, to_role
from webapp.store.models import Notice, OrderLine, RescueFile
from webapp.store.unit import reading, transaction


def their_case(shop: str, code: str) -> str:
    """A complaint in the other shop."""
    wanted = Wanted("complaint", "Theirs", "", named=(code,))
    return open_case(shop, "x", wanted, clock.now())


def their_notice(shop: str) -> str:
    """Something the other shop's office is to be told."""
    with transaction() as session:
        said = {"what": "Theirs", "detail": "x"}
        to = to_role("office")
        raise_notice(session, shop, kind="alarm", key="theirs", to=to, params=said, now=clock.now())
    with reading() as session:
        return session.execute(select(Notice.id).where(Notice.org_id == shop)).scalar_one()


def their_product(shop: str) -> str:
    """A line of the other shop's order."""
    with transaction() as session:
        keys = {"org_id": shop, "order_id": "576460752303423488", "sku_id": "theirs"}
        session.add(OrderLine(**keys, seller_sku="theirs", product="Theirs", quantity=1))
    return "theirs"


def their_quarantine(world: World) -> str:
    """Something held in the other shop, and the rescue file that brought it."""
    told = world.stranger.send("no record at all")["results"][0]
    with transaction() as session:
        session.add(
            RescueFile(
                org_id=world.other_shop, id="their-rescue", name="theirs.baton", sha256="0" * 64, size=1,
                made_by=None, told={}, counts={}, created_at=clock.now(),
            )
        )  # fmt: skip
    return str(told["sha256"])
