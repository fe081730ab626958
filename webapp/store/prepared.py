"""Statements built and compiled once, for what every batch of a phone asks and writes.

SQLAlchemy makes an expression, its cache key and its parameters anew at every call: more than the database takes
for the statement itself. Here the text is compiled once a dialect, and the values go straight to the driver,
through the column types' own processors. Everything else asks in the usual way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from webapp.store.models.columns import UtcDateTime

Convert = Callable[[Any], Any]


class Keys(TypeDecorator[Collection[str]]):
    """Any number of keys in one bound variable: a JSON list on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text, or an array of it."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text))

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        """As the driver takes it."""
        keys = list(value or ())
        return json.dumps(keys) if dialect.name == "sqlite" else keys


def one_of(dialect: str, column: Any, name: str) -> ColumnElement[bool]:
    """`column` is one of the keys bound as `name`: see `webapp.store.among`, of which this is the prepared form."""
    keys = bindparam(name, type_=Keys())
    if dialect == "sqlite":
        return column.in_(select(func.json_each(keys).table_valued("value").c.value))  # type: ignore[no-any-return]
    return column == any_(keys)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement for one dialect: its text, how its values go in and how its columns come out."""

    text: str
    names: tuple[str, ...]
    is_positional: bool
    fixed: Mapping[str, Any]  # values that are part of the statement
    into: tuple[tuple[str, Convert], ...]
    out: tuple[tuple[int, Convert], ...]

    def values(self, given: Mapping[str, Any]) -> Any:
        row = {**self.fixed, **given}
        for name, convert in self.into:
            row[name] = convert(row[name])
        return tuple([row[name] for name in self.names]) if self.is_positional else row

    def told(self, found: Sequence[Any]) -> list[Sequence[Any]]:
        if not self.out:
            return list(found)
        rows: list[Sequence[Any]] = []
        for given in found:
            row = list(given)
            for index, convert in self.out:
                row[index] = convert(row[index])
            rows.append(row)
        return rows


class Prepared:
    """A statement: `build` makes it for a dialect (by name), the first time it is asked there.

    Values are given by the names of its bound parameters; of an insert these are all the table's columns.
    """

    def __init__(self, build: Callable[[str], Any]) -> None:
        self.build = build
        self._made: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Sequence[Any]]:
        """Ask, and give all rows."""
        made = self._on(connection.dialect)
        return made.told(connection.exec_driver_sql(made.text, made.values(values)).fetchall())

    def glance(self, connection: Connection, **values: Any) -> list[Sequence[Any]]:
        """Ask by the bare driver, and give all rows: for the one question of a connection that asks no other.

        Without a BEGIN and a ROLLBACK: each call of SQLite lets another thread go first, which costs more than it.
        """
        made, driver = self._on(connection.dialect), connection.connection
        try:
            cursor = driver.cursor()
            try:
                cursor.execute(made.text, made.values(values))
                return made.told(cursor.fetchall())
            finally:
                cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            # Asked again in the usual way, which tells what is wrong in words that everybody here understands.
            with suppress(connection.dialect.loaded_dbapi.Error):
                driver.rollback()
            return self.rows(connection, **values)

    def run(self, connection: Connection, **values: Any) -> None:
        """Write."""
        made = self._on(connection.dialect)
        connection.exec_driver_sql(made.text, made.values(values))

    def run_many(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write once for each row, in one call of the driver; nothing when there is none."""
        made = self._on(connection.dialect)
        listed = [made.values(row) for row in rows]
        if listed:
            connection.exec_driver_sql(made.text, listed)

    def _on(self, dialect: Dialect) -> _Compiled:
        made = self._made.get(dialect.name)
        if made is None:
            # Two threads at once make the same thing twice, and either will do.
            made = self._made[dialect.name] = _compile(self.build(dialect.name), dialect)
        return made


def _compile(statement: Any, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    names = tuple(compiled.positiontup or compiled.params)
    into = [(name, _into(compiled.binds[name].type, dialect)) for name in compiled.params]
    columns = getattr(statement, "selected_columns", ()) or getattr(statement, "exported_columns", ())
    out = [(index, _out(column.type, dialect)) for index, column in enumerate(columns)]
    return _Compiled(
        str(compiled),
        names,
        bool(compiled.positional),
        {name: value for name, value in compiled.params.items() if not compiled.binds[name].required},
        tuple([(name, convert) for name, convert in into if convert is not None]),
        tuple([(index, convert) for index, convert in out if convert is not None]),
    )


def _into(column_type: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if dialect.name == "sqlite" and isinstance(column_type, UtcDateTime):
        return _time_into_sqlite
    return column_type.dialect_impl(dialect).bind_processor(dialect)


def _out(column_type: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if dialect.name == "sqlite" and isinstance(column_type, UtcDateTime):
        return _time_out_of_sqlite
    if isinstance(column_type, Float):
        return None  # both drivers give a float, or None
    return column_type.dialect_impl(dialect).result_processor(dialect, None)


def _time_into_sqlite(value: datetime | None) -> str | None:
    # What SQLAlchemy writes, without its pattern: a batch has a thousand of these.
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _time_out_of_sqlite(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)
