"""People of the shop: add, change, a new password, and the end of somebody's work."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint, words
from webapp.office.context import moment
from webapp.services import change_user
from webapp.services.add_user import MANAGES, NewPerson, add_user
from webapp.store.models import User
from webapp.store.queries import people, phones, picking
from webapp.store.unit import reading

SHOWN_INLINE = frozenset({403, 409, 422})


@blueprint.get("/people")
@desk("office", "admin")
def people_list() -> str:
    """Everybody of the shop."""
    with reading() as session:
        rows = people.list_people(session, actor().org_id)
    return render_template("office/people.html", people=rows, managed=MANAGES.get(actor().role, ()))


@blueprint.get("/people/new")
@desk("office", "admin")
def person_new() -> str:
    """The form for somebody new."""
    return _form(None, request.args)


@blueprint.post("/people/new")
@desk("office", "admin")
def person_add() -> ResponseReturnValue:
    """Add somebody; a password that was made up is shown this once."""
    who, form = actor(), request.form
    person = NewPerson(
        form.get("name", ""),
        form.get("role", ""),
        form.get("seller"),
        form.get("email"),
        form.get("password") or None,
    )
    try:
        added = add_user(who.org_id, person, moment(), by_role=who.role)
    except Problem as problem:
        return _form(None, form, problem), problem.status
    if added.password:
        return render_template(
            "office/people_password.html",
            user_id=added.id,
            name=added.name,
            email=added.email,
            password=added.password,
        )
    flash(f"{added.name} is added. Let their phone in next.")
    return redirect(url_for("office.people_list"))


@blueprint.get("/people/<user_id>")
@desk("office", "admin")
def person_page(user_id: str) -> str:
    """One person, to be changed."""
    user = _person(user_id)
    return _form(user, _as_values(user))


@blueprint.post("/people/<user_id>")
@desk("office", "admin")
def person_save(user_id: str) -> ResponseReturnValue:
    """Save who somebody is."""
    who, form, user = actor(), request.form, _person(user_id)
    try:
        change_user.edit_user(
            who.org_id,
            user_id,
            name=form.get("name", ""),
            role=form.get("role", ""),
            email=form.get("email"),
            seller=form.get("seller"),
            by_role=who.role,
        )
    except Problem as problem:
        return _form(user, form, problem), problem.status
    flash("Saved.")
    return redirect(url_for("office.people_list"))


@blueprint.post("/people/<user_id>/password")
@desk("office", "admin")
def person_password(user_id: str) -> ResponseReturnValue:
    """A new password: the one typed, or one made up and shown this once."""
    user = _person(user_id)
    try:
        made = change_user.set_password(
            actor().org_id, user_id, request.form.get("password") or None, by_role=actor().role
        )
    except Problem as problem:
        return _form(user, _as_values(user), problem), problem.status
    if made is None:
        flash(f"{user.name} has the new password, and has to sign in again.")
        return redirect(url_for("office.people_list"))
    return render_template(
        "office/people_password.html", user_id=user.id, name=user.name, email=user.email, password=made
    )


@blueprint.post("/people/<user_id>/active")
@desk("office", "admin")
def person_active(user_id: str) -> ResponseReturnValue:
    """End somebody's work here, asked once more if a phone to sign out may hold some; or let them in again."""
    who, form, user = actor(), request.form, _person(user_id)
    with_phones = form.get("phones") == "1"
    try:
        if form.get("active") == "1":
            change_user.reactivate_user(who.org_id, user_id, by_role=who.role)
            flash(f"{user.name} is at work again. Phones that were signed out need a new code.")
        elif with_phones and form.get("sure") != "1" and (unsafe := _unsafe_phones(user_id)):
            return render_template("office/people_end.html", user=user, unsafe=unsafe)
        else:
            gone = change_user.deactivate_user(
                who.org_id,
                user_id,
                moment(),
                by_role=who.role,
                by_user=who.user_id,
                revoke_phones=with_phones,
            )
            phones_too = f" {gone} phone{'' if gone == 1 else 's'} signed out." if gone else ""
            flash(f"{user.name} no longer works here.{phones_too} What they recorded stays.")
    except Problem as problem:
        return _form(user, _as_values(user), problem), problem.status
    return redirect(url_for("office.people_list"))


def _person(user_id: str) -> User:
    with reading() as session:
        found = people.person(session, actor().org_id, user_id)
    if found is None:
        abort(404)
    return found


def _unsafe_phones(user_id: str) -> list[phones.Phone]:
    with reading() as session:
        held = phones.phones_of(session, actor().org_id, user_id)
    return [phone for phone in held if not phone.is_safe]


def _as_values(user: User) -> dict[str, Any]:
    return {"name": user.name, "role": user.role, "email": user.email, "seller": user.seller}


def _form(user: User | None, values: Any, problem: Problem | None = None) -> str:
    if problem is not None and problem.status not in SHOWN_INLINE:
        raise problem
    who = actor()
    managed = MANAGES.get(who.role, ())
    with reading() as session:
        _, sellers = picking.choices_of(session, who.org_id, None)
        held = phones.phones_of(session, who.org_id, user.id) if user else []
    return render_template(
        "office/people_form.html",
        user=user,
        values=values,
        problem=problem,
        roles=[(role, words.role_word(role)) for role in managed],
        can_change=user is None or user.role in managed,
        is_me=user is not None and user.id == who.user_id,
        sellers=sellers,
        phones=held,
    )
