"""A phone pays for its connection once: answers without a body do not end it."""

from __future__ import annotations

import http.client

from tests.support.server import Server


def test_answers_without_a_body_leave_the_connection_open(live_server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=10)
    connection.request("OPTIONS", "/sync/v1/blobs")
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.will_close) == (204, b"", False)
    first = connection.sock
    connection.request("GET", "/sync/v1/hello", headers={"Connection": "close"})
    assert connection.sock is first or connection.sock is None
    answer = connection.getresponse()
    assert (answer.status, answer.will_close) == (200, True)


def test_a_client_that_asks_for_the_end_gets_it(live_server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=10)
    connection.request("OPTIONS", "/sync/v1/blobs", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert (answer.status, answer.will_close) == (204, True)
