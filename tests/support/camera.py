"""A fake camera: a video that shows tags one after the other, as a hurried hand would hold them."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import qrcode
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from qrcode.constants import ERROR_CORRECT_H
from qrcode.util import MODE_ALPHA_NUM, QRData

SIZE = (1280, 720)
FRAMES_A_SECOND = 15


@dataclass(frozen=True, slots=True)
class Shot:
    """One thing held before the camera.

    `text` is the code, None for a scene without one; `angle` in degrees; `blur` a radius in pixels; `module`
    the width in pixels of the code's smallest square or bar; `seconds` how long it is held.
    """

    text: str | None
    angle: float = 0.0
    blur: float = 0.0
    module: int = 9
    seconds: float = 1.0
    kind: str = "qr"
    seed: int = 1


def fake_camera(path: Path, shots: Sequence[Shot], size: tuple[int, int] = SIZE) -> Path:
    """Write the shots as a video that Chromium plays in a loop as its camera: `.mjpeg` or `.y4m` by the name.

    The same shots always give the same bytes.
    """
    write = {".mjpeg": _write_mjpeg, ".y4m": _write_y4m}[path.suffix]
    write(path, ((frame(shot, size), _count(shot)) for shot in shots))
    return path


def hurried(codes: Iterable[str], seconds: float = 1.0) -> list[Shot]:
    """A shot for each code, each turned and blurred differently, with an empty scene between two."""
    shots: list[Shot] = []
    for number, code in enumerate(codes):
        chance = random.Random(number)
        angle, blur = chance.uniform(-35, 35), chance.uniform(0.6, 1.8)
        shots.append(Shot(code, angle=angle, blur=blur, seconds=seconds, seed=number + 1))
        shots.append(Shot(None, seconds=0.2, seed=number + 101))
    return shots


def frame(shot: Shot, size: tuple[int, int] = SIZE) -> Image.Image:
    """One picture: a cluttered table, and on it the tag, turned and out of focus."""
    picture = _clutter(size, shot.seed)
    if shot.text is not None:
        tag = tag_image(shot.text, shot.kind, shot.module).convert("RGBA")
        turned = tag.rotate(shot.angle, expand=True, resample=Image.Resampling.BICUBIC)
        chance = random.Random(shot.seed)
        left = (size[0] - turned.width) // 2 + chance.randint(-60, 60)
        top = (size[1] - turned.height) // 2 + chance.randint(-20, 20)
        picture.paste(turned, (left, top), turned)
    if shot.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(shot.blur))
    return picture


def tag_image(text: str, kind: str = "qr", module: int = 9) -> Image.Image:
    """A tag as Baton prints it: QR version 2, level H, alphanumeric, 4 modules of quiet, or Code 128."""
    if kind == "code128":
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
        bars = Image.fromarray(zxingcpp.write_barcode_to_image(barcode, scale=max(module // 3, 2)))
        card = Image.new("L", (bars.width + 24 * module // 3, bars.height + 40), 255)
        card.paste(bars, ((card.width - bars.width) // 2, 20))
        return card
    symbol = qrcode.QRCode(version=2, error_correction=ERROR_CORRECT_H, box_size=module, border=4)
    symbol.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM))
    symbol.make(fit=False)
    made = symbol.make_image(fill_color="black", back_color="white").get_image().convert("L")
    card = Image.new("L", (made.width, made.height + 3 * module), 255)
    card.paste(made, (0, 0))
    ImageDraw.Draw(card).text((4 * module, made.height - 2 * module), text, fill=0)
    return card


def _count(shot: Shot) -> int:
    return max(1, math.ceil(shot.seconds * FRAMES_A_SECOND))


def _clutter(size: tuple[int, int], seed: int) -> Image.Image:
    chance = random.Random(seed * 7919)
    picture = Image.new("RGB", size, (168, 138, 105))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        w, h = chance.randint(20, 260), chance.randint(10, 160)
        colour = tuple(chance.randint(40, 225) for _ in range(3))
        draw.rectangle((x, y, x + w, y + h), fill=colour, outline=(60, 60, 60))
        draw.line((x, y, x + w, y + h), fill=(30, 30, 30), width=chance.randint(1, 4))
    return picture


def _write_mjpeg(path: Path, frames: Iterable[tuple[Image.Image, int]]) -> None:
    with path.open("wb") as file:
        for picture, times in frames:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=88)
            file.write(buffer.getvalue() * times)


def _write_y4m(path: Path, frames: Iterable[tuple[Image.Image, int]]) -> None:
    with path.open("wb") as file:
        for picture, times in frames:
            if file.tell() == 0:
                width, height = picture.size
                header = f"YUV4MPEG2 W{width} H{height} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n"
                file.write(header.encode())
            file.write((b"FRAME\n" + _planes(picture)) * times)


def _planes(picture: Image.Image) -> bytes:
    """The picture as Y, then U and V at half the size."""
    y, u, v = picture.convert("YCbCr").split()
    half = (picture.width // 2, picture.height // 2)
    return y.tobytes() + u.resize(half).tobytes() + v.resize(half).tobytes()
