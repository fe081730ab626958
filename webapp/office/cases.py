"""Cases: the list by deadline, a new one, and one with its parcels, proofs, letters, money and history."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules import letters
from sync.rules.cases import FAULTS, KINDS, OUTCOMES, REFUNDS
from webapp.access import actor, desk
from webapp.office import asking, blueprint
from webapp.office.asking import page_from
from webapp.office.context import moment, zone
from webapp.services.cases.open_case import Wanted, open_case
from webapp.store.models import Case
from webapp.store.queries import cases as ask
from webapp.store.queries import notice_views, places
from webapp.store.queries import shop as shops
from webapp.store.unit import reading

PAGE = 50
SHOWN_PARCELS = 100
REFUSED = frozenset({"field-invalid", "conflict", "label-too-large"})


@blueprint.get("/cases")
@desk("office", "admin")
def case_list() -> str:
    """Open cases by their deadline, or closed ones newest first."""
    state = "closed" if request.args.get("state") == "closed" else "open"
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    first = (page_from() - 1) * PAGE
    with reading() as session:
        rows = ask.cases(session, actor().org_id, state=state, kind=kind, limit=PAGE + 1, offset=first)
        counts = (
            ask.count_open(session, actor().org_id),
            ask.count_overdue(session, actor().org_id, moment()),
        )

    def step(page: int) -> str:
        return url_for("office.case_list", page=page, state=state, kind=kind)

    return render_template(
        "office/cases.html",
        rows=rows[:PAGE],
        state=state,
        kind=kind,
        kinds=list(KINDS.items()),
        counts=counts,
        newer=step(page_from() - 1) if page_from() > 1 else None,
        older=step(page_from() + 1) if len(rows) > PAGE else None,
    )


@blueprint.route("/cases/new", methods=["GET", "POST"])
@desk("office", "admin")
def case_new() -> ResponseReturnValue:
    """Open a case."""
    if request.method == "GET":
        return _new_form(request.args)
    form = request.form
    try:
        wanted = Wanted(
            kind=form.get("kind", ""),
            title=form.get("title", ""),
            words=form.get("words", ""),
            named=tuple(form.get("parcels", "").replace(",", " ").split()),
            place_id=form.get("place_id", ""),
            fault=form.get("fault", ""),
            due_at=end_of_day("due"),
            starts_at=local_time("starts_at"),
            ends_at=local_time("ends_at"),
            places=form.get("places", "")[:500],
        )
        case_id = open_case(actor().org_id, actor().user_id, wanted, moment())
    except Problem as problem:
        if problem.code not in REFUSED:
            raise
        return _new_form(form, problem), problem.status
    return redirect(url_for("office.case_one", case_id=case_id), 303)


@blueprint.get("/cases/<case_id>")
@desk("office", "admin")
def case_one(case_id: str) -> str:
    """One case, whole."""
    return case_page(case_id)


def case_page(case_id: str, problem: Problem | None = None) -> str:
    """The case's page; after a refusal with what was sent beside the form it was about."""
    case = find_case(case_id)
    org_id = actor().org_id
    with reading() as session:
        entries = ask.entries(session, org_id, case_id)
        codes = ask.codes_of(session, org_id, case_id)
        taken = [entry.data["event"] for entry in entries if entry.data.get("event")]
        parcels = ask.parcels_of(session, org_id, case_id, SHOWN_PARCELS)
        offers = ask.offers(session, org_id, case_id, taken)
        records = {it.event_id: it for it in ask.records(session, org_id, case_id, taken)}
        unsent = notice_views.count_lost_of_case(session, org_id, case_id)
        shop = shops.shop(session, org_id)
        orders = [order for parcel in ask.parcels_of(session, org_id, case_id) for order in parcel.orders]
    form = request.form if problem else {}
    letter, language = _chosen(case, shop.market)
    return render_template(
        "office/case.html",
        case=case,
        entries=entries,
        sent={entry.data.get("letter_at") for entry in entries if entry.kind == "sent"},
        parcels=parcels,
        count=len(codes),
        offers=offers,
        records=records,
        unsent=unsent,
        problem=problem,
        form=form,
        letter=letter,
        language=language,
        languages=[(code, letters.LANGUAGES[code]) for code in letters.languages_of(letter)],
        language_names=letters.LANGUAGES,
        draft=form.get("text") or letters.write(letter, language, _values(case, orders, shop.name)),
        letter_kinds=list(letters.LETTERS.items()),
        words={"kinds": KINDS, "faults": FAULTS, "outcomes": OUTCOMES, "refunds": REFUNDS},
        faults=[(code, word) for code, (word, _) in FAULTS.items()],
    )


def local_time(name: str) -> datetime | None:
    """A form's date and time in the shop's zone. Problem `field-invalid`."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=zone())
    except ValueError as error:
        raise Problem("field-invalid", "This is no date and time.", field=name) from error
    asking.need_year(at.year, name)
    return at


def end_of_day(name: str) -> datetime | None:
    """A form's day, its last second in the shop's zone. Problem `field-invalid`."""
    at = local_time(name)
    return None if at is None else datetime.combine(at.date(), time(23, 59, 59), zone())


def find_case(case_id: str) -> Case:
    """The case of that id in this shop; 404 when there is none."""
    with reading() as session:
        return ask.find(session, actor().org_id, case_id) or abort(404)


def _new_form(values: Any, problem: Problem | None = None) -> str:
    with reading() as session:
        known = places.list_places(session, actor().org_id)
    return render_template(
        "office/case_new.html",
        values=values,
        problem=problem,
        kinds=list(KINDS.items()),
        faults=[(code, word) for code, (word, _) in FAULTS.items()],
        places=[(place.id, place.name) for place in known],
    )


def _chosen(case: Case, market: str) -> tuple[str, str]:
    usual = {"force_majeure": "ticket", "appeal": "appeal"}.get(case.kind, "refund_notice")
    letter = request.values.get("letter", usual)
    letter = letter if letter in letters.LETTERS else usual
    language = request.values.get("language", letters.BY_MARKET.get(market, "en"))
    return letter, language if language in letters.languages_of(letter) else "en"


def _values(case: Case, orders: list[str], shop: str) -> dict[str, str]:
    each = list(dict.fromkeys(orders))
    return {
        "orders": ", ".join(each[:40]) + (f" … (+{len(each) - 40})" if len(each) > 40 else ""),
        "what": case.title,
        "shop": shop,
        "number": str(case.number),
        "starts": _day(case.starts_at),
        "ends": _day(case.ends_at),
        "places": case.places or "",
        "count": str(len(each)),
    }


def _day(at: datetime | None) -> str:
    return f"{at.astimezone(zone()):%Y-%m-%d %H:%M}" if at else ""
