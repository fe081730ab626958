"""What may be done about a case: each form of its page, and back to the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.cases import REFUSED, case_page, end_of_day, local_time
from webapp.office.context import moment
from webapp.services.cases import proofs, steps


@blueprint.post("/cases/<case_id>/notes")
@desk("office", "admin")
def case_note(case_id: str) -> ResponseReturnValue:
    """Write a note down."""
    return _step(case_id, "Noted.", steps.add_note, "note")


@blueprint.post("/cases/<case_id>/fault")
@desk("office", "admin")
def case_fault(case_id: str) -> ResponseReturnValue:
    """Say whose fault it is."""
    return _step(case_id, "Kept.", steps.set_fault, "fault", "fault_words")


@blueprint.post("/cases/<case_id>/due")
@desk("office", "admin")
def case_due(case_id: str) -> ResponseReturnValue:
    """Give it another deadline."""
    last_day = partial(end_of_day, "due")
    return _step(case_id, "The deadline was changed.", steps.set_due, last_day, "due_words")


@blueprint.post("/cases/<case_id>/period")
@desk("office", "admin")
def case_period(case_id: str) -> ResponseReturnValue:
    """Say anew from when until when force majeure lasts."""
    told = "The period was changed, and the deadlines of its parcels with it."
    since, until = partial(local_time, "starts_at"), partial(local_time, "ends_at")
    return _step(case_id, told, steps.set_period, since, until, "period_words")


@blueprint.post("/cases/<case_id>/money")
@desk("office", "admin")
def case_money(case_id: str) -> ResponseReturnValue:
    """Say what became of the money."""
    return _step(case_id, "Kept.", steps.set_money, "refund", "amount", "money_words")


@blueprint.post("/cases/<case_id>/proofs")
@desk("office", "admin")
def case_proofs(case_id: str) -> ResponseReturnValue:
    """Attach records of its parcels."""
    ticked = partial(request.form.getlist, "event")
    return _step(case_id, "Attached.", proofs.attach_events, ticked, "proof_words")


@blueprint.post("/cases/<case_id>/files")
@desk("office", "admin")
def case_upload(case_id: str) -> ResponseReturnValue:
    """Attach a file."""
    sent = request.files.get("file")
    data = sent.stream.read(proofs.MAX_BYTES + 1) if sent else b""
    name = (sent.filename if sent else "") or ""
    return _step(case_id, "Attached.", proofs.attach_file, lambda: name, lambda: data, "file_words")


@blueprint.post("/cases/<case_id>/files/<int:position>/remove")
@desk("admin")
def case_file_remove(case_id: str, position: int) -> ResponseReturnValue:
    """Delete a file for good."""
    told = "The file was deleted. That it was there, and why it went, stays in the history."
    return _step(case_id, told, proofs.remove_file, lambda: position, "remove_words")


@blueprint.post("/cases/<case_id>/letters")
@desk("office", "admin")
def case_write(case_id: str) -> ResponseReturnValue:
    """Keep a letter as it is to be sent."""
    told = "The letter is kept. Send it, then say here how."
    return _step(case_id, told, proofs.keep_letter, "letter", "language", "text")


@blueprint.post("/cases/<case_id>/letters/<int:position>/sent")
@desk("office", "admin")
def case_sent(case_id: str, position: int) -> ResponseReturnValue:
    """Say that a letter went out."""
    return _step(case_id, "Kept.", proofs.letter_was_sent, lambda: position, "sent_words")


@blueprint.post("/cases/<case_id>/close")
@desk("office", "admin")
def case_close(case_id: str) -> ResponseReturnValue:
    """Settle it."""
    return _step(case_id, "Closed.", steps.close_case, "outcome", "outcome_words")


@blueprint.post("/cases/<case_id>/reopen")
@desk("office", "admin")
def case_reopen(case_id: str) -> ResponseReturnValue:
    """Take it up again."""
    return _step(case_id, "It is open again.", steps.reopen_case, "reopen_words")


def _step(
    case_id: str, told: str, do: Callable[..., object], *fields: str | Callable[[], object]
) -> ResponseReturnValue:
    """Do it with what the form says in these fields (or what a reader makes of it), and go back to the page.

    What is refused comes back with the page as it was typed.
    """
    try:
        said = [request.form.get(it, "") if isinstance(it, str) else it() for it in fields]
        do(actor().org_id, actor().user_id, case_id, *said, moment())
    except Problem as problem:
        if problem.code not in REFUSED:
            raise
        return case_page(case_id, problem), problem.status
    flash(told)
    return redirect(url_for("office.case_one", case_id=case_id), 303)
