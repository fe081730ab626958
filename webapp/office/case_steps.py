"""What may be done about a case: each form of its page, and back to the page."""

from __future__ import annotations

from collections.abc import Callable

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
    return _step(case_id, "Noted.", lambda who: steps.add_note(*who, request.form.get("note", ""), moment()))


@blueprint.post("/cases/<case_id>/fault")
@desk("office", "admin")
def case_fault(case_id: str) -> ResponseReturnValue:
    """Say whose fault it is."""
    form = request.form
    return _step(
        case_id,
        "Kept.",
        lambda who: steps.set_fault(*who, form.get("fault", ""), form.get("fault_words", ""), moment()),
    )


@blueprint.post("/cases/<case_id>/due")
@desk("office", "admin")
def case_due(case_id: str) -> ResponseReturnValue:
    """Give it another deadline."""
    return _step(
        case_id,
        "The deadline was changed.",
        lambda who: steps.set_due(*who, end_of_day("due"), request.form.get("due_words", ""), moment()),
    )


@blueprint.post("/cases/<case_id>/period")
@desk("office", "admin")
def case_period(case_id: str) -> ResponseReturnValue:
    """Say anew from when until when force majeure lasts."""
    return _step(
        case_id,
        "The period was changed, and the deadlines of its parcels with it.",
        lambda who: steps.set_period(
            *who,
            local_time("starts_at"),
            local_time("ends_at"),
            request.form.get("period_words", ""),
            moment(),
        ),
    )


@blueprint.post("/cases/<case_id>/money")
@desk("office", "admin")
def case_money(case_id: str) -> ResponseReturnValue:
    """Say what became of the money."""
    form = request.form
    return _step(
        case_id,
        "Kept.",
        lambda who: steps.set_money(
            *who, form.get("refund", ""), form.get("amount", ""), form.get("money_words", ""), moment()
        ),
    )


@blueprint.post("/cases/<case_id>/proofs")
@desk("office", "admin")
def case_proofs(case_id: str) -> ResponseReturnValue:
    """Attach records of its parcels."""
    form = request.form
    return _step(
        case_id,
        "Attached.",
        lambda who: proofs.attach_events(*who, form.getlist("event"), form.get("proof_words", ""), moment()),
    )


@blueprint.post("/cases/<case_id>/files")
@desk("office", "admin")
def case_upload(case_id: str) -> ResponseReturnValue:
    """Attach a file."""
    sent = request.files.get("file")
    data = sent.stream.read(proofs.MAX_BYTES + 1) if sent else b""
    name = (sent.filename if sent else "") or ""
    words = request.form.get("file_words", "")
    return _step(case_id, "Attached.", lambda who: proofs.attach_file(*who, name, data, words, moment()))


@blueprint.post("/cases/<case_id>/letters")
@desk("office", "admin")
def case_write(case_id: str) -> ResponseReturnValue:
    """Keep a letter as it is to be sent."""
    form = request.form
    return _step(
        case_id,
        "The letter is kept. Send it, then say here how.",
        lambda who: proofs.keep_letter(
            *who, form.get("letter", ""), form.get("language", ""), form.get("text", ""), moment()
        ),
    )


@blueprint.post("/cases/<case_id>/letters/<int:position>/sent")
@desk("office", "admin")
def case_sent(case_id: str, position: int) -> ResponseReturnValue:
    """Say that a letter went out."""
    return _step(
        case_id,
        "Kept.",
        lambda who: proofs.letter_was_sent(*who, position, request.form.get("sent_words", ""), moment()),
    )


@blueprint.post("/cases/<case_id>/close")
@desk("office", "admin")
def case_close(case_id: str) -> ResponseReturnValue:
    """Settle it."""
    form = request.form
    return _step(
        case_id,
        "Closed.",
        lambda who: steps.close_case(*who, form.get("outcome", ""), form.get("outcome_words", ""), moment()),
    )


@blueprint.post("/cases/<case_id>/reopen")
@desk("office", "admin")
def case_reopen(case_id: str) -> ResponseReturnValue:
    """Take it up again."""
    return _step(
        case_id,
        "It is open again.",
        lambda who: steps.reopen_case(*who, request.form.get("reopen_words", ""), moment()),
    )


def _step(case_id: str, words: str, do: Callable[[tuple[str, str, str]], object]) -> ResponseReturnValue:
    try:
        do((actor().org_id, actor().user_id, case_id))
    except Problem as problem:
        if problem.code not in REFUSED:
            raise
        return case_page(case_id, problem), problem.status
    flash(words)
    return redirect(url_for("office.case_one", case_id=case_id), 303)
