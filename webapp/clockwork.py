"""Give an app its queue, and tell the queue which of our services it runs, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from huey import crontab

from webapp.services import timer
from webapp.services.checking.eyes import Eyes
from webapp.services.importing import apply as importing
from webapp.store import jobs


def bind(app: Flask) -> None:
    """Make this app's queue and tell it the jobs there are; each runs inside the app."""
    queue = jobs.make_queue(app.extensions["baton-settings"])
    app.extensions["baton-jobs"] = queue

    def in_app(work: Callable[..., Any]) -> Callable[..., None]:
        def inner(*args: Any) -> None:
            with app.app_context():
                work(*args)

        inner.__name__ = work.__name__
        return inner

    app.extensions["baton-run-import"] = queue.task(name="run_import")(in_app(importing.run_import))
    app.extensions["baton-eyes"] = Eyes()
    app.extensions["baton-look"] = queue.task(name="look_at_photos")(in_app(timer.look_at_photos))
    app.extensions["baton-stamp"] = queue.task(name="ask_for_stamps")(in_app(timer.stamp_days))
    queue.periodic_task(crontab(minute="*"), name="every_minute")(in_app(timer.every_minute))
    queue.periodic_task(crontab(minute="*"), name="tell_people")(in_app(timer.tell_people))
    queue.periodic_task(crontab(minute="47"), name="let_old_photos_go")(in_app(timer.let_old_photos_go))
    queue.periodic_task(crontab(minute="17"), name="every_hour")(in_app(timer.every_hour))
    queue.periodic_task(crontab(minute="23"), name="stamp_days")(in_app(timer.stamp_days))
    queue.periodic_task(crontab(minute="41", hour="2"), name="every_night")(in_app(timer.every_night))
