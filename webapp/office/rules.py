"""The rules as a manager reads them: the guide's words, the market's numbers with their sources, and what follows."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules import guide
from sync.rules import pack as packs
from sync.rules.deadlines import OWN_TIMES
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.office.rule_words import MARKET_NAMES, RULES
from webapp.services.choose_market import ZONES, Changed, choose_market
from webapp.services.deadlines import pack_of
from webapp.services.name_shop import name_shop
from webapp.settings import MARKETS
from webapp.store.queries import deadlines as ask
from webapp.store.unit import reading

WAYS = (("tiktok", "Ship by TikTok"), ("seller", "Ship by Seller"))


_CHANGED = {
    Changed.NOTHING: "Nothing changed: this was chosen already.",
    Changed.CLOCK: "Kept. Every page of the office shows this clock’s times; quiet hours and reminders go by it.",
    Changed.MARKET: "Kept. Open deadlines get the new dates within a minute; finished ones stay as they are.",
}


@blueprint.get("/rules")
@desk()
def rules() -> ResponseReturnValue:
    """All rules: the numbers that hold for this shop, then the guide, rule by rule."""
    return _page()


def _page(problem: Problem | None = None) -> str:
    with reading() as session:
        clock = ask.shop_clock(session, actor().org_id)
    market = clock.market
    pack = pack_of(market)
    held = {way: pack.term_list(way, is_preorder=False) for way, _ in WAYS}
    terms = sorted(
        {term for listed in held.values() for term in listed}, key=lambda term: (term.rule, term.number)
    )
    rows = [(term, [word for way, word in WAYS if term in held[way]]) for term in terms]
    return render_template(
        "office/rules.html",
        market=market,
        markets=[(code, MARKET_NAMES.get(code, "None: the guide’s numbers")) for code in MARKETS],
        zones=[(name, word) for zones in ZONES.values() for name, word in zones.items()],
        zone=clock.zone,
        pack=pack,
        rows=rows,
        ways=len(WAYS),
        guide=guide.RULES,
        problem=problem,
        named=request.form.get("name"),
    )


@blueprint.post("/rules/name")
@desk("admin")
def rules_name() -> ResponseReturnValue:
    """Say what the shop is called."""
    try:
        name_shop(actor().org_id, request.form.get("name", ""))
    except Problem as problem:
        return _page(problem), problem.status
    flash("Kept. Every page, sheet, notice and proof made from now on says this name.")
    return redirect(url_for("office.rules"), 303)


@blueprint.post("/rules/market")
@desk("admin")
def rules_market() -> ResponseReturnValue:
    """Say which market the shop sells in, and by which clock it lives."""
    market = request.form.get("market", "")
    try:
        changed = choose_market(actor().org_id, market, request.form.get("zone"))
    except Problem as problem:
        if problem.code != "field-invalid":
            raise
        return _page(problem), problem.status
    flash(_CHANGED[changed])
    return redirect(url_for("office.rules"), 303)


@blueprint.get("/rules/<rule>")
@desk()
def one_rule(rule: str) -> ResponseReturnValue:
    """One rule that makes deadlines: what the guide says, each market's number, how many are missed here."""
    if rule not in RULES:
        abort(404)
    with reading() as session:
        market = ask.shop_clock(session, actor().org_id).market
        counts = ask.count_by_rule(session, actor().org_id, actor().seller, moment())
    return render_template(
        "office/rule.html",
        rule=rule,
        words=RULES[rule],
        said=[it for it in guide.RULES.values() if it.rule == rule],
        terms=[term for name in packs.names() for term in packs.load(name).terms if term.rule == rule],
        own=[name for name, (of, _, _) in OWN_TIMES.items() if of == rule],
        pack=pack_of(market),
        missed=counts.get((rule, "passed"), 0),
    )
