"""A signature that comes home in the very moment of its erasure, on PostgreSQL: there two write at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.books import NOW, Books
from tests.support.desk import hand_over, reference, scrawl
from tests.support.exports import order_id, ready
from tests.support.installation import Databases, make_settings, running_app
from tests.support.shop import ApiPhone, make_user
from webapp import clock
from webapp.services.keep_blob import keep_blob
from webapp.services.personal.erase import erase_person
from webapp.services.review_proof import review_proof
from webapp.store import blobs
from webapp.store.models import Blob, DeletedBlob
from webapp.store.unit import reading

WITHIN_S = 30


@pytest.fixture
def app_on_postgresql(postgresql_databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """On SQLite the second of two writers begins when the first has ended."""
    url = postgresql_databases.migrated()
    with running_app(make_settings(tmp_path / "data", database_url=url)) as app:
        yield app
    postgresql_databases.forget(url)


def wait_until_somebody_stands_at_a_lock() -> None:
    until = time.monotonic() + WITHIN_S
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while time.monotonic() < until:
        with reading() as session:
            if session.execute(text(query)).scalar_one():
                return
    raise AssertionError("nobody waits")


def test_a_signature_that_comes_home_during_the_erasure_is_not_kept(
    app_on_postgresql: Flask, tmp_path: Path
) -> None:
    books = Books(tmp_path)
    phone = ApiPhone(app_on_postgresql.test_client(), books.org, make_user(books.org))
    books.put(ready(1, recipient="Siti Aminah"))
    signature = scrawl(1)
    digest = hashlib.sha256(signature).hexdigest()
    refs = [reference(signature, "signature")]
    event = hand_over(phone, books.org, [books.parcel().code], "deliver", is_home=False, blobs=refs)
    review_proof(books.org, books.user, event, "accept", NOW)
    is_written, may_commit = threading.Event(), threading.Event()

    def linger(_session: Any) -> None:
        is_written.set()
        assert may_commit.wait(WITHIN_S)

    def bring() -> None:
        with app_on_postgresql.app_context():
            keep_blob(books.org, phone.device, digest, signature, clock.now(), linger)

    def erase() -> int:
        with app_on_postgresql.app_context():
            done = erase_person(books.org, order_id(1), books.user, clock.now(), with_signatures=True)
        return done.counts["pictures"]

    with ThreadPoolExecutor(2) as at_once:
        brought = at_once.submit(bring)
        assert is_written.wait(WITHIN_S)
        erased = at_once.submit(erase)
        wait_until_somebody_stands_at_a_lock()
        may_commit.set()
        brought.result(WITHIN_S)
        assert erased.result(WITHIN_S) == 1
    assert not blobs.current().has(books.org, digest)
    with reading() as session:
        assert session.get(Blob, (books.org, digest)) is None
        assert session.get_one(DeletedBlob, (books.org, digest)).cleared_at is not None
