"""Pictures in the office: only those of events one may see, as what they are, small when asked."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from sync.evidence import intake
from sync.evidence.printing.stamp import stamp
from tests.support.desk import keep, make_desk_user, reference, signed_in
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import digest, make_photo
from webapp.services import open_blob
from webapp.services.open_blob import WIDTHS
from webapp.settings import Settings
from webapp.store import blobs


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id))


@pytest.fixture
def office(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


def hand_over(phone: ApiPhone, codes: list[str], *refs: dict[str, Any]) -> None:
    """An event that speaks of these pictures."""
    sealed = phone.seal(
        "collect", codes, intact=True, counterpart={"name": "Ibu Sari", "role": "seller"}, blobs=list(refs)
    )
    assert phone.send(sealed)["results"][0]["status"] == "applied"


def shown(phone: ApiPhone, org_id: str, data: bytes, codes: list[str] | None = None) -> str:
    """A picture that is held and that an event speaks of; gives its address."""
    hand_over(phone, codes or make_parcels(org_id, 1, seed=len(data)), reference(data))
    keep(org_id, phone.device, data)
    return f"/office/photos/{digest(data)}"


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


def test_a_picture_is_given_byte_for_byte_as_what_it_is(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        data = make_photo((40, 30), form)
        answer = office.get(shown(phone, org_id, data))
        assert answer.status_code == 200
        assert answer.data == data
        assert answer.content_type == f"image/{form.lower()}"


def test_nothing_in_a_picture_can_run_or_be_taken_for_something_else(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    data = make_photo() + b"<script>alert(1)</script>"
    url = shown(phone, org_id, data)
    for answer in (office.get(url), office.get(f"{url}?w=160"), office.get(f"{url}?save")):
        assert answer.content_type == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        kind, _, name = answer.headers["Content-Disposition"].partition("; ")
        assert kind in {"inline", "attachment"}
        assert name == f'filename="{digest(data)[:16]}.jpg"'
    assert office.get(f"{url}?save").headers["Content-Disposition"].startswith("attachment")


def test_a_browser_keeps_a_picture_but_asks_each_time(
    app: Flask, office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    url = shown(phone, org_id, make_photo())
    first = office.get(url)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = office.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    small = office.get(f"{url}?w=160", headers={"If-None-Match": first.headers["ETag"]})
    assert small.status_code == 200
    signed_out = app.test_client().get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert signed_out.status_code == 302


def test_what_no_event_speaks_of_is_seen_by_nobody(office: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    data = make_photo()
    keep(org_id, phone.device, data)
    url = f"/office/photos/{digest(data)}"
    assert office.get(url).status_code == 404
    hand_over(phone, make_parcels(org_id, 1), reference(data))
    assert office.get(url).status_code == 200


def test_a_picture_on_its_way_is_not_there_yet(office: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    data = make_photo()
    hand_over(phone, make_parcels(org_id, 1), reference(data))
    assert office.get(f"/office/photos/{digest(data)}").status_code == 404


def test_another_shops_pictures_are_not_there(app: Flask, phone: ApiPhone, org_id: str) -> None:
    data = make_photo()
    url = shown(phone, org_id, data)
    other = make_shop("Another shop")
    stranger = signed_in(app, make_desk_user(other))
    assert stranger.get(url).status_code == 404
    # Nor when the stranger's own shop speaks of the same digest, without holding it.
    theirs = ApiPhone(app.test_client(), other, make_user(other))
    hand_over(theirs, make_parcels(other, 1), reference(data))
    assert stranger.get(url).status_code == 404


def test_who_may_not_use_the_office_sees_no_picture(app: Flask, phone: ApiPhone, org_id: str) -> None:
    url = shown(phone, org_id, make_photo())
    assert app.test_client().get(url).status_code == 302
    assert app.test_client().get(url, headers=phone.headers).status_code == 302
    courier = signed_in(app, make_desk_user(org_id, "courier", "Cora Courier"))
    assert courier.get(url).status_code == 403


@pytest.fixture
def sellers(app: Flask, org_id: str) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    mine = make_desk_user(org_id, "seller", "Siti Seller", seller="siti")
    other = make_desk_user(org_id, "seller", "Budi Seller", seller="budi")
    return iter([(signed_in(app, mine), signed_in(app, other))])


def test_a_seller_sees_pictures_of_their_own_parcels_only(
    app: Flask, phone: ApiPhone, org_id: str, sellers: Iterator[tuple[FlaskClient, FlaskClient]]
) -> None:
    siti, budi = next(sellers)
    (hers,) = make_parcels(org_id, 1, seed=11, seller="siti")
    (his,) = make_parcels(org_id, 1, seed=12, seller="budi")
    batch, tag = make_photo(), make_photo()
    hand_over(phone, [hers, his], reference(batch), reference(tag, "tag", hers))
    keep(org_id, phone.device, batch, tag)
    seen = [
        [client.get(f"/office/photos/{digest(data)}").status_code for data in (batch, tag)]
        for client in (siti, budi)
    ]
    assert seen == [[200, 200], [200, 404]]
    nobody = signed_in(app, make_desk_user(org_id, "seller", "Nina Newcomer"))
    assert nobody.get(f"/office/photos/{digest(batch)}").status_code == 404


# --- small ones -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_small_copy_is_made_once(office: FlaskClient, phone: ApiPhone, org_id: str, form: str) -> None:
    data = make_photo((800, 600), form)
    url = shown(phone, org_id, data)
    for width in WIDTHS:
        answer = office.get(f"{url}?w={width}")
        assert answer.content_type == "image/jpeg"
        assert size_of(answer.data) == (width, width * 3 // 4)
        assert blobs.current().derived(org_id, digest(data), f"w{width}") == answer.data
        assert office.get(f"{url}?w={width}").data == answer.data
    assert office.get(url).data == data


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("cut", ["empty", "zeros", "half", "half zeros"])
def test_a_small_copy_that_a_power_cut_has_torn_is_made_again(
    app: Flask, office: FlaskClient, phone: ApiPhone, org_id: str, form: str, cut: str
) -> None:
    out = io.BytesIO()
    mode = "RGB" if form == "JPEG" else "RGBA"  # a copy is a PNG where the picture can be seen through
    Image.effect_noise((800, 600), 60).convert(mode).save(out, form)
    url = shown(phone, org_id, out.getvalue())
    whole = office.get(f"{url}?w=160").data
    settings: Settings = app.extensions["baton-settings"]
    (file,) = (settings.data / "blobs").rglob("w160")
    half = whole[: len(whole) // 2]
    torn = {
        "empty": b"",
        "zeros": bytes(len(whole)),
        "half": half,
        "half zeros": half + bytes(len(whole) - len(half)),
    }
    file.write_bytes(torn[cut])
    assert office.get(f"{url}?w=160").data == whole
    assert file.read_bytes() == whole


def test_a_small_copy_stands_upright_and_carries_no_metadata(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010E] = "where I live"
    Image.effect_noise((800, 400), 60).convert("RGB").save(out, "JPEG", exif=exif)
    small = office.get(f"{shown(phone, org_id, out.getvalue())}?w=160").data
    assert size_of(small) == (160, 320)
    with Image.open(io.BytesIO(small)) as picture:
        assert dict(picture.getexif()) == {}


def test_a_transparent_signature_stays_transparent(office: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (800, 300), (0, 0, 0, 0)).save(out, "PNG")
    answer = office.get(f"{shown(phone, org_id, out.getvalue())}?w=320")
    assert answer.content_type == "image/png"
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_picture_that_is_small_already_is_given_whole(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    data = make_photo((160, 100))
    assert office.get(f"{shown(phone, org_id, data)}?w=160").data == data


def test_a_picture_that_cannot_be_decoded_is_given_whole(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    data = make_photo((800, 600))[:3000]
    answer = office.get(f"{shown(phone, org_id, data)}?w=160")
    assert (answer.status_code, answer.data) == (200, data)


def test_a_picture_that_would_take_too_much_is_not_decoded(
    office: FlaskClient, phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_photo((800, 600), "PNG")
    url = shown(phone, org_id, data)
    monkeypatch.setitem(open_blob._MAX_PIXELS, "image/png", 800 * 600 - 1)
    assert office.get(f"{url}?w=160").data == data
    monkeypatch.setitem(open_blob._MAX_PIXELS, "image/png", 800 * 600)
    assert size_of(office.get(f"{url}?w=160").data) == (160, 120)


def two_sizes() -> bytes:
    """A PNG with a second header: a parser of the first and a decoder that takes the last see different pictures."""
    one = make_photo((800, 600), "PNG")
    head = b"IHDR" + struct.pack(">II", 1600, 1200) + one[24:29]
    return one[:33] + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + one[33:]


def many_scans(times: int) -> bytes:
    """A progressive JPEG whose last scan stands there so many times more."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(make_photo((800, 600)))) as photo:
        photo.save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    return whole[:-2] + whole[whole.rindex(b"\xff\xda") : -2] * times + b"\xff\xd9"


def test_a_picture_that_is_not_what_its_header_tells_is_not_decoded_here(
    office: FlaskClient, phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_WORK", 20 * 800 * 600)
    for data in (two_sizes(), many_scans(50)):
        assert office.get(f"{shown(phone, org_id, data)}?w=160").data == data
        assert stamp(data, intake.sniff(data) or "", ["22 Nov 2026"]) is None
    honest = many_scans(0)
    assert size_of(office.get(f"{shown(phone, org_id, honest)}?w=160").data) == (160, 120)
    assert stamp(honest, "image/jpeg", ["22 Nov 2026"]) is not None


@pytest.mark.parametrize(
    "width", ["", "0", "1", "321", "-320", "3e2", "99999999", "abc", "\u0663\u0662\u0660"]
)
def test_only_a_few_widths_are_made(office: FlaskClient, phone: ApiPhone, org_id: str, width: str) -> None:
    url = shown(phone, org_id, make_photo((800, 600)))
    assert office.get(url, query_string={"w": width}).status_code == 422


def test_bytes_that_the_store_has_lost_are_not_there(
    office: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    data = make_photo()
    url = shown(phone, org_id, data)
    blobs.current().delete(org_id, digest(data))
    assert office.get(url).status_code == 404


@pytest.mark.parametrize("name", ["..", "0" * 63, "g" * 64, "0" * 64, "%2e%2e%2f" * 8, "A" * 64])
def test_a_name_that_is_no_digest_leads_nowhere(office: FlaskClient, name: str) -> None:
    assert office.get(f"/office/photos/{name}").status_code == 404
