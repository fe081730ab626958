"""Somebody sitting at the office's desk without JavaScript: reads pages, sends forms, follows where they lead."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.desk import make_desk_user, signed_in

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_MARKUP = re.compile(r"(<[^>]+>|\s)+")


class Desk:
    """A signed-in person of a shop: `user_id`, `role`, and for a seller whose parcels."""

    def __init__(self, app: Flask, org_id: str, role: str = "office", seller: str | None = None) -> None:
        name = f"{role.title()}{(seller or '').replace(' ', '')} of the tests"
        self.org_id = org_id
        self.user_id = make_desk_user(org_id, role, name, seller=seller)
        self.client = signed_in(app, self.user_id)

    def get(self, path: str, **query: Any) -> TestResponse:
        """A page or a picture, whatever the answer."""
        return self.client.get(path, query_string=query or None)

    def page(self, path: str, **query: Any) -> str:
        """A page that must be there; gives its markup."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {words(answer.text)[:2000]}"
        return answer.text

    def part(self, path: str, **query: Any) -> TestResponse:
        """A fragment, asked for as htmx does."""
        return self.client.get(path, query_string=query or None, headers={"HX-Request": "true"})

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form with its token, whatever the answer; a list is sent as repeated members."""
        return self.client.post(path, data={"csrf_token": self._token(), **form})

    def press(self, path: str, **form: Any) -> str:
        """Send a form that must be taken, follow where it leads, and read the words there."""
        whole = {"csrf_token": self._token(), **form}
        answer = self.client.post(path, data=whole, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {words(answer.text)[:2000]}"
        return words(answer.text)

    def _token(self) -> str:
        found = _TOKEN.search(self.client.get("/office/prepare").text)
        assert found, "the page has no token"
        return found[1]


def words(markup: str) -> str:
    """What a page says, without its markup, white space folded."""
    return _MARKUP.sub(" ", markup)
