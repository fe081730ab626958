"""What sent bytes are is told from their header alone, and hostile headers are refused by name."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sync.evidence.intake import MAX_PIXELS, MAX_SIDE, Picture, inspect, sniff
from sync.protocol.problems import Problem


def saved(mode: str, size: tuple[int, int], form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form, **options)
    return out.getvalue()


def jpeg_of(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03\x01\x11\x00" * 3


def png_of(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    )


def webp_of(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + sides


EXIF = Image.Exif()
EXIF[0x010E] = "a description " * 2000

PICTURES = {
    "a JPEG": (saved("RGB", (321, 123), "JPEG"), "image/jpeg"),
    "a progressive JPEG": (saved("RGB", (321, 123), "JPEG", progressive=True), "image/jpeg"),
    "a grey JPEG": (saved("L", (321, 123), "JPEG"), "image/jpeg"),
    "a JPEG with long metadata before its frame": (saved("RGB", (321, 123), "JPEG", exif=EXIF), "image/jpeg"),
    "a PNG": (saved("RGB", (321, 123), "PNG"), "image/png"),
    "a PNG with transparency": (saved("RGBA", (321, 123), "PNG"), "image/png"),
    "a lossy WebP": (saved("RGB", (321, 123), "WEBP"), "image/webp"),
    "a lossless WebP": (saved("RGB", (321, 123), "WEBP", lossless=True), "image/webp"),
    "a WebP with metadata": (saved("RGBA", (321, 123), "WEBP", exif=EXIF), "image/webp"),
}


@pytest.mark.parametrize(("data", "media_type"), PICTURES.values(), ids=PICTURES)
def test_type_and_size_are_read_as_a_decoder_would(data: bytes, media_type: str) -> None:
    assert inspect(data) == Picture(media_type, 321, 123)


def test_fill_bytes_and_lone_markers_before_a_frame_are_passed_over() -> None:
    plain = jpeg_of(640, 480)
    assert inspect(plain[:2] + b"\xff\x01\xff\xd0\xff\xff\xff" + plain[2:]) == Picture("image/jpeg", 640, 480)


def judged(data: bytes) -> Picture | str:
    try:
        return inspect(data)
    except Problem as problem:
        return problem.code


REFUSED = {
    "nothing at all": (b"", "media-unsupported"),
    "an SVG called .jpg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "media-unsupported"),
    "a page": (b"<!doctype html><script>1</script>", "media-unsupported"),
    "a GIF": (b"GIF89a\x10\x00\x10\x00", "media-unsupported"),
    "a TIFF": (b"II*\x00\x08\x00\x00\x00", "media-unsupported"),
    "a HEIC": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "media-unsupported"),
    "a PDF": (b"%PDF-1.7\n", "media-unsupported"),
    "a sound in a RIFF": (b"RIFF\x24\x00\x00\x00WAVEfmt ", "media-unsupported"),
    "a JPEG's first three bytes": (b"\xff\xd8\xff", "picture-broken"),
    "a JPEG that ends in its frame": (jpeg_of(10, 10)[:8], "picture-broken"),
    "a JPEG without a frame": (b"\xff\xd8\xff\xda\x00\x02", "picture-broken"),
    "a JPEG that is over at once": (b"\xff\xd8\xff\xd9", "picture-broken"),
    "a JPEG with a segment of no length": (
        b"\xff\xd8\xff\xe0\x00\x00" + jpeg_of(10, 10)[2:],
        "picture-broken",
    ),
    "a JPEG with rubbish between segments": (b"\xff\xd8\xff\xe0\x00\x02rubbish", "picture-broken"),
    "a JPEG without height": (jpeg_of(10, 0), "picture-broken"),
    "a PNG that ends in its header": (png_of(10, 10)[:20], "picture-broken"),
    "a PNG with another chunk first": (png_of(10, 10).replace(b"IHDR", b"tEXt"), "picture-broken"),
    "a PNG without width": (png_of(0, 10), "picture-broken"),
    "a WebP of an unknown chunk": (webp_of(10, 10).replace(b"VP8X", b"VP9 "), "picture-broken"),
    "a WebP that ends in its header": (webp_of(10, 10)[:26], "picture-broken"),
    "a lossless WebP without its signature": (
        b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x00",
        "picture-broken",
    ),
    "a lossy WebP without a key frame": (b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"\x00" * 20, "picture-broken"),
    "a PNG of 30,000 x 30,000": (png_of(30_000, 30_000), "picture-too-large"),
    "a JPEG of 65,535 x 1": (jpeg_of(65_535, 1), "picture-too-large"),
    "a WebP of 16 million a side": (webp_of(1 << 24, 1 << 24), "picture-too-large"),
    "a picture of one pixel too many a side": (png_of(MAX_SIDE + 1, 1), "picture-too-large"),
    "a picture over 50 megapixels": (jpeg_of(8000, MAX_PIXELS // 8000 + 1), "picture-too-large"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_decoded_is_refused_by_name(data: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        inspect(data)
    assert refused.value.code == code


def test_the_largest_picture_is_still_taken() -> None:
    assert inspect(png_of(MAX_SIDE, MAX_PIXELS // MAX_SIDE)).width == MAX_SIDE


@given(
    start=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP"]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_give_a_picture_or_a_problem(start: bytes, rest: bytes) -> None:
    data = start + rest
    found = judged(data)
    if isinstance(found, Picture):
        assert found.type == sniff(data)
        assert 0 < found.width * found.height <= MAX_PIXELS
    else:
        assert found in {"media-unsupported", "picture-broken", "picture-too-large"}


@given(name=st.sampled_from(sorted(PICTURES)), share=st.floats(0, 1))
def test_a_picture_cut_off_anywhere_gives_its_size_or_a_problem(name: str, share: float) -> None:
    data, media_type = PICTURES[name]
    found = judged(data[: int(len(data) * share)])
    assert found in {Picture(media_type, 321, 123), "media-unsupported", "picture-broken"}
