"""Who sends photos here: a phone, another of the same shop, and one of another shop."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.shop import ApiPhone, make_shop, make_user
from tests.support.tus import TusPhone


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> TusPhone:
    return TusPhone(ApiPhone(app.test_client(), org_id, make_user(org_id)))


@pytest.fixture
def colleague(app: Flask, org_id: str) -> TusPhone:
    return TusPhone(ApiPhone(app.test_client(), org_id, make_user(org_id)))


@pytest.fixture
def stranger(app: Flask) -> TusPhone:
    other = make_shop("Another shop")
    return TusPhone(ApiPhone(app.test_client(), other, make_user(other)))
