"""What is drawn on a tag can be read back, by the reader that reads the phones' photos."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from sync.protocol.codes import is_code
from tests.unit.phones import new_codes
from webapp.services.tags import QUIET_ZONE, Symbol, as_png, link_qr, parcel_code128, parcel_qr

CODES = new_codes(12, seed=41)


def read(symbol: Symbol, scale: int = 6) -> list[zxingcpp.Barcode]:
    picture = Image.open(BytesIO(as_png(symbol, scale)))
    assert picture.width == symbol.width * scale
    found: list[zxingcpp.Barcode] = zxingcpp.read_barcodes(picture)
    return found


@pytest.mark.parametrize("code", CODES)
def test_the_qr_of_a_tag_says_the_code_and_nothing_else(code: str) -> None:
    [found] = read(parcel_qr(code))
    assert (found.text, found.format) == (code, zxingcpp.BarcodeFormat.QRCode)


@pytest.mark.parametrize("code", CODES)
def test_the_bars_of_a_tag_say_the_code(code: str) -> None:
    [found] = read(parcel_code128(code), scale=3)
    assert (found.text, found.format) == (code, zxingcpp.BarcodeFormat.Code128)
    assert is_code(found.text)


def test_the_qr_is_version_2_level_h_with_its_quiet_zone() -> None:
    symbol = parcel_qr(CODES[0])
    assert (symbol.width, symbol.height) == (25 + 2 * QUIET_ZONE, 25 + 2 * QUIET_ZONE)
    [found] = read(symbol)
    assert found.ec_level == "H"
    modules = np.array(symbol.rows)
    assert not modules[:QUIET_ZONE].any()
    assert not modules[-QUIET_ZONE:].any()
    assert not modules[:, :QUIET_ZONE].any()
    assert not modules[:, -QUIET_ZONE:].any()


def test_the_path_draws_exactly_the_black_modules() -> None:
    symbol = parcel_qr(CODES[1])
    drawn = np.zeros((symbol.height, symbol.width), bool)
    for box in symbol.path.split("z")[:-1]:
        start, _, rest = box.removeprefix("M").partition("h")
        x, y = map(int, start.split())
        drawn[y, x : x + int(rest.partition("v")[0])] = True
    assert (drawn == np.array(symbol.rows)).all()


@pytest.mark.parametrize("lost", [0.1, 0.2])
def test_a_scratched_tag_is_still_read(lost: float) -> None:
    picture = cv2.imdecode(np.frombuffer(as_png(parcel_qr(CODES[2]), 8), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    side = picture.shape[0]
    row = side // 2
    picture[row : row + int(side * lost), 12 * 8 : 22 * 8] = 255
    [found] = zxingcpp.read_barcodes(picture)
    assert found.text == CODES[2]


@pytest.mark.parametrize("text", ["abc", "A" * 21, "https://example.com"])
def test_what_is_no_parcel_code_is_not_drawn_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parcel_qr(text)


def test_the_enrolment_link_keeps_its_fragment() -> None:
    url = "https://baton.example.com/app/#/enrol/7Q2M4K9XABCD"
    [found] = read(link_qr(url))
    assert found.text == url
