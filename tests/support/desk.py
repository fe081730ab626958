"""The office's side of the cast: people who sign in, pictures that are really held, forms with their token."""

from __future__ import annotations

import hashlib
import io
import random
import re
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from tests.support.shop import ApiPhone, make_user
from webapp import clock
from webapp.services import passwords
from webapp.services.keep_blob import keep_blob
from webapp.store.models import User
from webapp.store.unit import reading

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'X-CSRFToken": "([^"]+)"')


def picture(words: str, size: tuple[int, int] = (900, 1200), colour: str = "#8a6a48") -> bytes:
    """A JPEG with these words on a box, so that a person can tell one from another, and so can the checks of photos."""
    image = Image.new("RGB", size, "#c9d2d6")
    draw = ImageDraw.Draw(image)
    width, height = size
    chance = random.Random(words)
    for _ in range(30):  # what else lies on that counter
        x, y = chance.randrange(width), chance.randrange(height)
        box = (x, y, x + chance.randrange(20, width // 3), y + chance.randrange(20, height // 4))
        draw.rectangle(box, fill=tuple(chance.randrange(70, 215) for _ in range(3)))
    draw.rectangle((width // 8, height // 4, width * 7 // 8, height * 7 // 8), fill=colour)
    draw.rectangle((width // 4, height // 3, width * 3 // 4, height // 2), fill="#f4f4f0")
    draw.text((width // 4 + 20, height // 3 + 30), words, fill="black", font_size=width // 22)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def scrawl(number: int = 0) -> bytes:
    """A PNG with a signature; nobody signs twice alike."""
    image = Image.new("RGB", (600, 240), "white")
    hand = random.Random(number)
    points = [
        (40 + i * 13, 120 + hand.randrange(-9, 10) + (60 if i % 3 else -50) * (i % 5 - 2) // 2)
        for i in range(40)
    ]
    ImageDraw.Draw(image).line(points, fill="#101820", width=5, joint="curve")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def reference(data: bytes, role: str = "photo", parcel: str | None = None) -> dict[str, Any]:
    """How an event speaks of these bytes."""
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    digest = hashlib.sha256(data).hexdigest()
    return {"sha256": digest, "type": kind, "size": len(data), "role": role, "parcel": parcel}


def keep(org_id: str, device: str, *data: bytes) -> None:
    """Bring these bytes home."""
    for each in data:
        keep_blob(org_id, device, hashlib.sha256(each).hexdigest(), each, clock.now())


def hand_over(
    phone: ApiPhone,
    org_id: str,
    codes: list[str],
    kind: str = "collect",
    *,
    is_home: bool = True,
    **members: Any,
) -> str:
    """Seal and send a handover with a photo and a signature of its own; gives the event's id."""
    photo, signature = picture(f"{codes[0]} no. {phone.seq + 1}"), scrawl(phone.seq)
    refs = [reference(photo), reference(signature, "signature")]
    whole = {
        "intact": True,
        "counterpart": {"name": "Ibu Sari", "role": "seller"},
        "blobs": refs,
        **members,
    }
    answer = phone.send(phone.seal(kind, codes, **whole))
    if is_home:
        keep(org_id, phone.device, photo, signature)
    event_id: str = answer["results"][0]["id"]
    return event_id


@cache
def _kept_password() -> str:
    """Hashed once: that is made to be slow."""
    return passwords.kept(PASSWORD)


def make_desk_user(org_id: str, role: str = "office", name: str = "Olga Office", **members: Any) -> str:
    """Somebody who may sign in with PASSWORD; gives the id."""
    email = members.pop("email", f"{name.split(maxsplit=1)[0].lower()}.{org_id[-6:]}@example.com")
    return make_user(org_id, role, name, email=email, password=_kept_password(), active=True, **members)


def csrf_in(page: str) -> str:
    """The token of the first form on a page."""
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(client: FlaskClient, email: str, password: str, where: str = "") -> tuple[int, str]:
    """Try the office's door as a person does; gives the status and where it leads."""
    page = client.get("/office/sign-in").text
    form = {"email": email, "password": password, "csrf_token": csrf_in(page)}
    answer = client.post(f"/office/sign-in{where}", data=form)
    return answer.status_code, answer.headers.get("Location", "")


def signed_in(app: Flask, user_id: str) -> FlaskClient:
    """A client in which this person has signed in."""
    with reading() as session:
        user = session.get_one(User, user_id)
    client = app.test_client()
    with client.session_transaction() as held:
        held["_user_id"], held["_fresh"] = user.fs_uniquifier, True
    return client


def token(client: FlaskClient) -> str:
    """The token that forms of this person's pages carry."""
    found = _TOKEN.search(client.get("/office/").text)
    assert found, "the page has no token"
    return found[1]


def post(client: FlaskClient, path: str, *, is_htmx: bool = False, **form: Any) -> TestResponse:
    """Send a form as the page would, with its token."""
    headers = {"HX-Request": "true"} if is_htmx else {}
    return client.post(path, data={"csrf_token": token(client), **form}, headers=headers)
