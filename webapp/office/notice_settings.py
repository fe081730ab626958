"""How the shop tells its people, and how the signed-in person wants to be told; a test that says the real result."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.extensions import of_app
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.notices import desk as notices_desk
from webapp.services.notices import words
from webapp.services.notices.desk import Wanted
from webapp.services.notices.outcomes import Outcome
from webapp.settings import Settings
from webapp.store.models import NoticeSettings
from webapp.store.queries import notices as ask
from webapp.store.queries import push
from webapp.store.unit import reading


@blueprint.get("/notices/settings")
@desk("office", "admin")
def notice_settings() -> str:
    """Channels, language and quiet hours of the shop; language and e-mail of the person."""
    return _page()


@blueprint.post("/notices/settings")
@desk("admin")
def notice_settings_save() -> ResponseReturnValue:
    """Keep the shop's."""
    form = {name: value.strip() for name, value in request.form.items()}
    texts = ("language", "quiet_from", "quiet_until", "reply_to", "webhook_url")
    wanted = Wanted(
        **{name: form.get(name, "") for name in texts},
        by_email=form.get("by_email") == "1",
        by_push=form.get("by_push") == "1",
    )
    try:
        notices_desk.save_settings(_settings(), actor().org_id, wanted)
    except Problem as problem:
        return _page(values=wanted, problem=problem), problem.status
    flash("Saved.")
    return redirect(url_for("office.notice_settings"), 303)


@blueprint.post("/notices/settings/secret")
@desk("admin")
def notice_secret() -> ResponseReturnValue:
    """A new secret for the webhook."""
    notices_desk.renew_secret(actor().org_id)
    flash("The webhook is signed with a new secret from now on. Give it to the receiver.")
    return redirect(url_for("office.notice_settings"), 303)


@blueprint.post("/notices/settings/mine")
@desk("office", "admin")
def notice_choice() -> ResponseReturnValue:
    """How this person wants to be told."""
    form, who = request.form, actor()
    try:
        notices_desk.save_choice(
            who.org_id, who.user_id, form.get("own_language", ""), by_email=form.get("own_email") == "1"
        )
    except Problem as problem:
        return _page(problem=problem), problem.status
    flash("Saved.")
    return redirect(url_for("office.notice_settings"), 303)


@blueprint.post("/notices/settings/test")
@desk("office", "admin")
def notice_test() -> str:
    """Tell this person something now, and show what each channel answered."""
    told = notices_desk.send_test(_settings(), actor().org_id, actor().user_id, moment())
    return _page(tested=told)


def _settings() -> Settings:
    settings: Settings = of_app("baton-settings")
    return settings


def _page(
    values: Wanted | NoticeSettings | None = None,
    problem: Problem | None = None,
    tested: list[tuple[str, Outcome]] | None = None,
) -> str:
    who = actor()
    with reading() as session:
        held = ask.shop_settings(session, who.org_id)
        org = ask.organisation(session, who.org_id)
        [me] = ask.readers(session, who.org_id, "person", who.user_id)
        browsers = len(push.open_of(session, who.org_id, who.user_id))
    names: list[Any] = words.language_names()
    return render_template(
        "office/notice_settings.html",
        values=values or held,
        secret=held.webhook_secret,
        own=me,
        browsers=browsers,
        smtp=_settings().smtp,
        languages=names,
        usual=dict(names)[words.language_of(org.market)],
        shops=dict(names)[words.language_of(org.market, held.language)],
        problem=problem,
        tested=tested,
    )
