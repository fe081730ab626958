"""The server's own ends: pieces that were cut when it stops, tables on a terminal."""

from __future__ import annotations

from types import SimpleNamespace

from waitress.task import ThreadedTaskDispatcher

from webapp.cli.channels import CutPiece
from webapp.cli.output import table


def test_a_server_that_stops_lets_go_of_cut_pieces_that_wait() -> None:
    closed: list[bool] = []
    request = SimpleNamespace(version="1.1", headers={}, close=lambda: closed.append(True))
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.add_task(CutPiece(SimpleNamespace(), request))  # type: ignore[arg-type]
    assert dispatcher.shutdown() is True
    assert closed == [True]


def test_a_table_on_a_terminal_is_not_drawn_by_what_a_phone_is_called() -> None:
    assert "\x1b" not in table([{"label": "\x1b[2JAll phones home\x07"}], ["label"])
