"""The list of parcels: filter, search, page; the whole page and the results alone."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol import codes
from webapp.access import actor, desk
from webapp.office import blueprint, words
from webapp.office.context import zone
from webapp.office.filters import BY, PROOF_CHOICES, Asked, address, read_address
from webapp.store.queries import parcels as ask
from webapp.store.unit import reading

PATH = "/office/parcels"


@blueprint.get("/parcels")
@desk()
def parcels() -> ResponseReturnValue:
    """The page, filtered as its address says."""
    asked = read_address(request.args, zone())
    return render_template("office/parcels.html", **_results(asked), **_choices())


@blueprint.get("/parcels/results")
@desk()
def parcel_results() -> ResponseReturnValue:
    """The results alone, for a filter that was changed in place; the page's own address follows."""
    asked = read_address(request.args, zone())
    response = make_response(render_template("office/_parcel_results.html", **_results(asked)))
    if "HX-Request" in request.headers:
        response.headers["HX-Push-Url"] = address(PATH, asked.fields, asked.step)
    return response


def _results(asked: Asked) -> dict[str, Any]:
    with reading() as session:
        page = ask.list_parcels(session, actor().org_id, actor().seller, asked.wanted, asked.step)
        carriers = dict(ask.carriers(session, actor().org_id))
    return {
        "asked": asked,
        "page": page,
        "carrier_names": carriers,
        "newer": address(PATH, asked.fields, page.newer) if page.newer else None,
        "older": address(PATH, asked.fields, page.older) if page.older else None,
        "code_advice": _code_advice(asked.fields["q"]) if not page.rows else None,
    }


def _choices() -> dict[str, Any]:
    with reading() as session:
        carriers = ask.carriers(session, actor().org_id)
        sellers = [] if actor().seller is not None else ask.sellers(session, actor().org_id)
    return {
        "statuses": [(key, it.word) for key, it in words.STATUSES.items()],
        "carriers": carriers,
        "sellers": [(name, name) for name in sellers],
        "severities": [("any", "Any"), *((key, it.word) for key, it in words.SEVERITIES.items())],
        "proofs": [(key, words.proof_words(None if key == "none" else key).word) for key in PROOF_CHOICES],
        "flags": [(key, it.word) for key, it in words.FLAGS.items()],
        "times": list(BY.items()),
    }


def _code_advice(text: str) -> str | None:
    """Why a text that looks like one of our codes is none."""
    bare = "".join(text.split()).replace("-", "")
    if len(bare) != codes.LENGTH or bare.isdigit():
        return None
    try:
        codes.normalise(text)
    except codes.CodeInvalid as error:
        return error.detail + "."
    return None
