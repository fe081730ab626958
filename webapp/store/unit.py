"""A unit of work: one session, one transaction, committed as a whole or not at all.

SQLite's own deferred BEGIN loses a read that becomes a write at once (busy_timeout does not help), so a
writing unit begins IMMEDIATE. PostgreSQL gets the organisation's row lock instead (`lock_org`), which makes
the order of commits the order of `head`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, event, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import SQLAlchemyError as DatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from sync.protocol.problems import Problem
from webapp.extensions import db
from webapp.store.models import Organisation
from webapp.store.prepared import Prepared

# What a service names of the database: the session it hands on, and the errors it lets pass.
__all__ = [
    "DatabaseError",
    "OperationalError",
    "Session",
    "is_alive",
    "lock_org",
    "looking",
    "passing",
    "prepare_engine",
    "reading",
    "snapshot",
    "transaction",
]
_BUSY_MS = 5000
_NOT_FREE = "The database is not free just now; send the same again shortly."


def prepare_engine(engine: Engine) -> None:
    """Set up a SQLite engine: our own BEGIN, write-ahead log, a sync at every commit. Others are left alone."""
    if engine.dialect.name != "sqlite":
        return
    _turns.setdefault(engine, threading.Lock())

    @event.listens_for(engine, "connect")
    def _connect(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-65536",
            # A busy batch dirties some 3 MB: by the default of 4 MB every second commit would also carry the log over.
            "wal_autocheckpoint=16384",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        writing = connection.get_execution_options().get("baton_writing")  # type: ignore[attr-defined]
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")  # type: ignore[attr-defined]


@contextmanager
def transaction() -> Iterator[Session]:
    """A writing unit: commits at the end, rolls back on any exception. Problem `busy` when the database is."""
    with (
        _told_plainly(),
        _turn(db.engine),
        db.engine.execution_options(baton_writing=True).connect() as connection,
        Session(bind=connection, expire_on_commit=False, autoflush=False) as session,
        session.begin(),
    ):
        yield session


# SQLite has one writer and makes the others sleep and try again: those of one process take turns instead.
_turns: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    lock = _turns.get(engine)
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=_BUSY_MS / 1000):
        raise Problem("busy", _NOT_FREE)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading() -> Iterator[Session]:
    """A reading unit: one consistent snapshot on SQLite; nothing it does is kept."""
    with _told_plainly(), Session(bind=db.engine, expire_on_commit=False, autoflush=False) as session:
        yield session


@contextmanager
def snapshot() -> Iterator[Session]:
    """A reading unit that sees one moment from its first question to its last, however much is written meanwhile."""
    with _told_plainly(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(bind=connection, expire_on_commit=False, autoflush=False) as session:
            yield session


@contextmanager
def looking() -> Iterator[Connection]:
    """A reading unit without a session, for the one question that every request asks: a third of the cost."""
    with _told_plainly(), db.engine.connect() as connection:
        yield connection


def lock_org(session: Session, org_id: str, ahead: int = 1) -> int:
    """Draw `ahead` change numbers of an organisation and hold its row until commit; gives the first of them.

    `ahead` 0 holds the row and draws none: for what only has to come one after the other.
    """
    ((head,),) = _LOCK.rows(session.connection(), b_org_id=org_id, ahead=ahead)
    return int(head - ahead + 1 if ahead else head)


_LOCK = Prepared(
    lambda _dialect: (
        update(Organisation)
        .where(Organisation.id == bindparam("b_org_id"))
        .values(head=Organisation.head + bindparam("ahead"))
        .returning(Organisation.head)
    )
)


def is_alive() -> bool:
    """Whether the database answers."""
    with db.engine.connect() as connection:
        return connection.execute(text("SELECT 1")).scalar() == 1


# PostgreSQL's states that pass by themselves: serialisation, deadlock, lock timeout, shutdown, too many connections.
_PASSING = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300")
_FULL = ("53100",)


def passing(error: BaseException) -> Problem | None:
    """What to tell of the database's trouble that a library met; None for what is no such trouble."""
    if isinstance(error, PoolTimeoutError):
        return Problem("busy", "All of the server's hands are full; send the same again shortly.")
    return _problem_of(error) if isinstance(error, OperationalError) else None


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except (PoolTimeoutError, OperationalError) as error:
        problem = passing(error)
        if problem is None:
            raise
        raise problem from error


def _problem_of(error: OperationalError) -> Problem | None:
    said, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    is_postgresql = hasattr(error.orig, "sqlstate")
    if state in _FULL or "disk is full" in said or "disk I/O error" in said:
        return Problem("storage-full", "The server has no room left; nothing of this request was kept.")
    gone = is_postgresql and (state is None or state.startswith("08"))  # no state: it could not be reached
    if gone or state in _PASSING or "is locked" in said:
        return Problem("busy", _NOT_FREE)
    return None
