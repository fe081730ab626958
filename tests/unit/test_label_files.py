"""Reading an uploaded label: words and codes with their places, and files that want to do harm."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image

from sync.evidence.label_file import MOST_PAGES, read
from sync.protocol.problems import Problem
from tests.support.labels import bars, pdf, photo, qr
from webapp.services.labels import reader

LINES = ["To: Rahman Tan", "No. 12, Jalan Ampang", "shop.example.com"]


def test_a_pdf_gives_its_words_where_they_stand_and_its_codes() -> None:
    found = read(pdf(LINES, qr("https://shop.example")))
    assert [word.text for word in found.words][:3] == ["To:", "Rahman", "Tan"]
    assert [word.line for word in found.words][-1] == 2
    box = found.words[0].box
    assert box is not None
    assert (0.06 < box[0] < 0.08, 0.05 < box[1] < 0.1) == (True, True), "at the upper left"
    [code] = found.symbols
    assert (code.form, code.text) == ("qr", "https://shop.example")
    assert code.box is not None
    assert code.box[0] > 0.6
    assert code.box[1] > 0.6
    assert Image.open(io.BytesIO(found.pages[0].jpeg)).size == (found.pages[0].width, found.pages[0].height)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_on_a_turned_page_words_stand_where_the_picture_shows_them(turned: int) -> None:
    straight, found = read(pdf(["MARK"])), read(pdf(["MARK"], turned=turned))
    (x0, y0, x1, y1), box = straight.words[0].box or (0, 0, 0, 0), found.words[0].box
    meant = {
        90: (1 - y1, x0, 1 - y0, x1),
        180: (1 - x1, 1 - y1, 1 - x0, 1 - y0),
        270: (y0, 1 - x1, y1, 1 - x0),
    }
    assert box == pytest.approx(meant[turned], abs=0.01)


def test_only_the_first_pages_are_looked_at_and_the_rest_is_counted() -> None:
    found = read(pdf(["x"], pages=MOST_PAGES + 3))
    assert (len(found.pages), found.more) == (MOST_PAGES, 3)


def test_a_picture_gives_its_codes_and_no_words() -> None:
    found = read(photo(bars("JX0800000007"), qr("hello"), form="PNG"))
    assert sorted((code.form, code.text) for code in found.symbols) == [
        ("linear", "JX0800000007"),
        ("qr", "hello"),
    ]
    assert found.words == []


def test_a_picture_with_a_clear_ground_is_looked_at_on_white() -> None:
    clear = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    black = qr("hello").convert("L").point(lambda value: 255 - value)
    clear.paste((0, 0, 0, 255), (60, 60), mask=black)
    out = io.BytesIO()
    clear.save(out, "PNG")
    assert [code.text for code in read(out.getvalue()).symbols] == ["hello"]


HOSTILE = {
    "no file of ours": b"GIF89a" + b"\0" * 100,
    "a PDF in name only": b"%PDF-1.7\nnothing",
    "half a PDF": pdf(LINES)[:400],
    "half a picture": photo(qr("x"))[:3000],
    "a header of 12000 by 12000": (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
        + (12000).to_bytes(4) * 2
        + b"\x08\x02\0\0\0"
        + zlib.crc32(b"IHDR" + (12000).to_bytes(4) * 2 + b"\x08\x02\0\0\0").to_bytes(4)
    ),
    "a page of a kilometre": pdf(["x"]).replace(b"298", b"2980000", 1),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_looked_at_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read(data)
    assert refused.value.code in {
        "label-unreadable",
        "media-unsupported",
        "picture-too-large",
        "picture-broken",
    }


def test_the_reader_in_its_own_process_says_the_same() -> None:
    data = pdf(LINES, qr("https://shop.example"))
    found, far = read(data), reader.read_file(data)
    assert (far.words, far.symbols) == (tuple(found.words), tuple(found.symbols))
    assert [page[0] for page in far.pages] == [page.jpeg for page in found.pages]
    with pytest.raises(Problem) as refused:
        reader.read_file(b"GIF89a")
    assert refused.value.code == "media-unsupported"


def test_a_reader_that_hangs_or_dies_is_a_refusal_and_the_next_file_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = photo(qr("x"))
    monkeypatch.setattr(reader, "WITHIN_S", 0.05)
    with pytest.raises(Problem, match="too long"):
        reader.read_file(data)
    monkeypatch.undo()
    monkeypatch.setattr(reader, "CHILD", "webapp.services.labels.no_such_module")
    with pytest.raises(Problem, match="gave up"):
        reader.read_file(data)
    monkeypatch.undo()
    assert reader.read_file(data).kind == "picture"
