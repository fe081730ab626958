"""What every office template may use: the navigation, who is signed in, the shop, words and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, g, request

from sync.protocol import codes
from sync.rules.pack import zone_of
from webapp import clock
from webapp.access import Actor
from webapp.extensions import of_app
from webapp.office import blueprint, rule_words, times, words
from webapp.settings import Settings
from webapp.store.models import DESK_ROLES
from webapp.store.queries import cases, exceptions, notice_views, quarantine, stamps
from webapp.store.queries import shop as shop_queries
from webapp.store.unit import reading

_DESK = ("office", "admin")
# (path, label, icon, roles); a page that does not exist on this installation is left out.
PAGES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("/office/", "Board", "layout-dashboard", DESK_ROLES),
    ("/office/parcels", "Parcels", "package", DESK_ROLES),
    ("/office/orders", "Orders", "clipboard-list", DESK_ROLES),
    ("/office/prepare", "Prepare", "clipboard-check", DESK_ROLES),
    ("/office/deadlines", "Deadlines", "clock", DESK_ROLES),
    ("/office/exceptions", "Exceptions", "triangle-alert", DESK_ROLES),
    ("/office/cases", "Cases", "flag", _DESK),
    ("/office/review", "Review", "eye", _DESK),
    ("/office/runs", "Runs", "truck", DESK_ROLES),
    ("/office/import", "Import", "upload", _DESK),
    ("/office/stock", "Stock", "store", _DESK),
    ("/office/tags", "Tags", "qr-code", DESK_ROLES),
    ("/office/shipped", "Mark as shipped", "package-check", DESK_ROLES),
    ("/office/phones", "Phones", "smartphone", _DESK),
    ("/office/quarantine", "Quarantine", "archive", _DESK),
    ("/office/notices", "Notices", "bell", _DESK),
    ("/office/people", "People", "users", _DESK),
    ("/office/packing", "Packing", "package-open", _DESK),
    ("/office/carriers", "Carriers", "send", _DESK),
    ("/office/places", "Places", "map-pin", _DESK),
    ("/office/privacy", "Privacy", "lock", _DESK),
    ("/office/rules", "Rules", "gavel", DESK_ROLES),
    ("/office/stamps", "Time stamps", "shield-check", _DESK),
)
_SET_UP = frozenset(
    f"/office/{name}" for name in ("people", "packing", "carriers", "places", "privacy", "rules", "stamps")
)
# What has no line of its own, under the line that leads to it.
_ALSO = {"/office/quarantine": ("/office/rescue",), "/office/parcels": ("/office/labels",)}
_OPTIONAL = "/office/stamps"  # only where the installation has named an authority


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the navigation; `count` says how much waits there, `is_set_up` that no day's work is done there."""

    path: str
    label: str
    icon: str
    is_here: bool
    is_current: bool
    is_set_up: bool
    count: int


def moment() -> datetime:
    """The request's one reading of the clock."""
    now: datetime = request.environ.setdefault("baton.now", clock.now())
    return now


def zone() -> ZoneInfo:
    """The shop's zone; UTC on a page without a shop."""
    held = _shop()
    return zone_of(held.market, held.zone) if held else ZoneInfo("UTC")


def _actor() -> Actor | None:
    return g.get("actor")  # type: ignore[no-any-return]


def _shop() -> shop_queries.Shop | None:
    who = _actor()
    if who is None:
        return None
    if "baton.shop" not in request.environ:
        with reading() as session:
            request.environ["baton.shop"] = shop_queries.shop(session, who.org_id)
    shop: shop_queries.Shop = request.environ["baton.shop"]
    return shop


def _waiting(who: Actor) -> dict[str, int]:
    if who.role not in _DESK:
        return {}
    with reading() as session:
        return {
            "Review": shop_queries.waiting_for_review(session, who.org_id),
            "Quarantine": quarantine.count_open(session, who.org_id),
            "Notices": notice_views.count_lost(session, who.org_id),
            "Exceptions": exceptions.count_pressing(session, who.org_id),
            "Cases": cases.count_open(session, who.org_id),
            **({"Time stamps": stamps.count_in_vain(session, who.org_id)} if _has_authority() else {}),
        }


def _has_authority() -> bool:
    settings: Settings = of_app("baton-settings")
    return settings.authority is not None


def _nav() -> list[NavItem]:
    who = _actor()
    if who is None:
        return []
    held = {rule.rule for rule in current_app.url_map.iter_rules()}
    held -= set() if _has_authority() else {_OPTIONAL}
    counts = _waiting(who)
    return [
        NavItem(
            path, label, icon, path == request.path, _is_under(path), path in _SET_UP, counts.get(label, 0)
        )
        for path, label, icon, roles in PAGES
        if who.role in roles and path in held
    ]


def _is_under(path: str) -> bool:
    if path == "/office/":
        return request.path == path
    return any(
        request.path == each or request.path.startswith(each + "/") for each in (path, *_ALSO.get(path, ()))
    )


@blueprint.app_context_processor
def _office_context() -> dict[str, Any]:
    if request.blueprint != blueprint.name or _actor() is None:
        return {"nav": [], "me": None, "shop": None}
    # A fragment has no frame: do not count for it what only the frame shows.
    is_fragment = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
    return {"nav": [] if is_fragment else _nav(), "me": _actor(), "shop": _shop(), "now": moment()}


@blueprint.app_template_filter("local")
def _local(value: datetime, seconds: bool = False) -> str:
    return times.local_text(value, zone(), moment(), seconds)


@blueprint.app_template_filter("ago")
def _ago(value: datetime) -> str:
    return times.ago_text(value, moment())


@blueprint.app_template_filter("until")
def _until(value: datetime) -> str:
    return times.until_text(value, moment())


@blueprint.app_template_filter("pretty")
def _pretty(code: str) -> str:
    return codes.pretty(code) if codes.is_code(code) else code


blueprint.add_app_template_filter(times.iso_text, "iso")
blueprint.add_app_template_filter(times.span_text, "span")
blueprint.add_app_template_filter(rule_words.pack_words, "pack")
blueprint.add_app_template_filter(words.size_words, "size")
for _function in (
    words.status_words,
    words.marketplace_word,
    words.severity_words,
    words.proof_words,
    words.kind_words,
    words.role_word,
    words.reason_word,
    words.answer_word,
    words.flag_words,
    rule_words.rule_words,
    rule_words.rule_choices,
    rule_words.source_words,
):
    blueprint.add_app_template_global(_function)
