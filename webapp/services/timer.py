"""The server's clockwork: work handed over by requests, and the rounds that find what was left lying.

Rows in our tables are the truth. A job that died with its process is found by the next round; one that is
run twice changes nothing the second time.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import structlog

from webapp import clock
from webapp.extensions import of_app
from webapp.services import drop_expired_uploads, drop_unreferenced_blobs
from webapp.services.checking import look, overdue, wake
from webapp.services.feeds import take
from webapp.services.importing import apply as importing
from webapp.services.keeping.delete_old import delete_old_photos
from webapp.services.notices.delivering import deliver_due
from webapp.services.stamping.days import stamp_days as stamp_days_that_are_over
from webapp.services.sweep import sweep
from webapp.store import jobs

log = structlog.get_logger()


class Clockwork:
    """The running consumer of one server process; `stop` waits for the job in hand."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._eyes = look.eyes()
        consumer.start()

    def stop(self) -> None:
        """Take no new job, finish the one in hand."""
        self._consumer.stop(graceful=True)
        self._eyes.close()


def start_timer() -> Clockwork:
    """Begin working off the app's queue in a thread of this process."""
    return Clockwork(jobs.consumer(jobs.current()))


def is_ready() -> bool:
    """Whether the queue can be read."""
    try:
        jobs.current().pending_count()
    except Exception:  # whatever a store of huey raises: the answer is no
        log.exception("the queue does not answer")
        return False
    return True


def hand_over_import(org_id: str, file_id: str) -> None:
    """Have a file read in by the clockwork; its row says how far it is."""
    of_app("baton-run-import")(org_id, file_id)


def look_at_photos() -> None:
    """Look at the photos that wait; what is left then is a job of its own, so that others come in between."""
    wake.begun()
    if look.look_at_waiting():
        wake.ask_for_a_look()


def every_minute() -> None:
    """Hand in again what was left lying, then let the clock look at what has fallen due."""
    wake.ask_for_a_look()
    for org_id, file_id in importing.left_lying(clock.now()):
        hand_over_import(org_id, file_id)
    swept = sweep(clock.now())
    if swept.applied or swept.reminders:
        log.info("the clock looked", applied=len(swept.applied), reminders=swept.reminders)
    settled = take.settle_everywhere(clock.now())
    if settled:
        log.info("carriers' reports found their parcels", reports=settled)


def let_old_photos_go() -> None:
    """Delete the bytes that are older than their shop keeps them: a job of its own, it may take long at first."""
    for done in delete_old_photos(clock.now()):
        if done.deleted:
            log.info("old photos deleted", org=done.org_id, photos=done.deleted, bytes=done.bytes)


def tell_people() -> None:
    """Send the notices that are due: a job of its own, so that no trouble of another one keeps them waiting."""
    deliver_due(of_app("baton-settings"), clock.now())


def every_hour() -> None:
    """Drop what nobody came back for, and tell of what did not come."""
    dropped = drop_expired_uploads.drop_expired_uploads(clock.now())
    log.info("cleared away", **asdict(dropped))
    missing = overdue.tell_of_missing(clock.now())
    if missing:
        log.info("proofs wait for photos too long", proofs=missing)


def stamp_days() -> None:
    """Have the days that are over stamped by the authority: a job of its own, for it waits for somebody else."""
    done = stamp_days_that_are_over(of_app("baton-settings"), clock.now())
    if done.stamped:
        log.info("days have their time stamps", days=done.stamped)


def every_night() -> None:
    """Look through the whole photo store for what no event ever spoke of."""
    dropped = drop_unreferenced_blobs.drop_unreferenced_blobs(clock.now())
    log.info("cleared away", **asdict(dropped))
