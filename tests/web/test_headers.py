"""Pages come with the whole policy; a phone's answers, which are paid for by the byte, with what guards them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.shop import ApiPhone, make_shop, make_user
from webapp.headers import FOR_PHONES, HEADERS


def test_a_page_has_the_whole_policy(app: Flask) -> None:
    answer = app.test_client().get("/office/sign-in")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/sync/v1/hello", "/sync/v1/worklist", "/sync/v1/rules", "/sync/v1/none"])
def test_a_phones_answer_cannot_be_a_page_and_is_short(app: Flask, path: str) -> None:
    org = make_shop()
    phone = ApiPhone(app.test_client(), org, make_user(org))
    answer = phone.client.get(path, headers=phone.headers)
    assert {name: answer.headers[name] for name in FOR_PHONES} == FOR_PHONES
    assert answer.headers["Sync-Protocol"] == "1"
    assert len(str(answer.headers)) < 420
