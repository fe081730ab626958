"""Behind a proxy with a certificate: forms must work as the browser's own rules send them."""

from __future__ import annotations

from pathlib import Path

from tests.support.desk import PASSWORD, make_desk_user
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop
from webapp.store.models import User
from webapp.store.unit import reading


def test_signing_in_works_with_the_referrer_that_our_own_policy_lets_through(
    tmp_path: Path, sqlite_database: str
) -> None:
    public = "https://baton.test"
    settings = make_settings(
        tmp_path / "data", database_url=sqlite_database, public_url=public, trusted_proxies=1
    )
    with running_app(settings) as app:
        user_id = make_desk_user(make_shop())
        with reading() as session:
            email = session.get_one(User, user_id).email
        client = app.test_client()
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "baton.test"}
        page = client.get("/office/sign-in", headers=headers, base_url=public)
        assert page.headers["Referrer-Policy"] == "same-origin"
        token = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        form = {"csrf_token": token, "email": email, "password": PASSWORD}
        url = "/office/sign-in"
        refused = client.post(url, data=form, headers=headers, base_url=public)
        assert refused.status_code == 400
        sent = {**headers, "Referer": f"{public}{url}"}
        answer = client.post(url, data=form, headers=sent, base_url=public)
        assert answer.status_code == 302
        assert "Secure" in answer.headers["Set-Cookie"]
