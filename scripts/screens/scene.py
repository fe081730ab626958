"""What the phone's camera sees on the demo day: a cardboard parcel on a bench, its label, and Baton's tag on it."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.support.camera import tag_image

SIZE = (1280, 720)
FRAMES_A_SECOND = 15
CARDBOARD = ("#b98a5a", "#c19a6b", "#a97c50", "#b5895f", "#c8a27a")


def film(path: Path, codes: Iterable[str], seconds: float = 1.0, last: float = 4.0) -> Path:
    """Write a video in which each code's parcel is held before the camera, the last one for longer."""
    shots = list(codes)
    with path.open("wb") as file:
        for number, code in enumerate(shots):
            buffer = io.BytesIO()
            parcel(code, number).save(buffer, "JPEG", quality=90)
            stay = last if number == len(shots) - 1 else seconds
            file.write(buffer.getvalue() * round(stay * FRAMES_A_SECOND))
    return path


def parcel(code: str, seed: int) -> Image.Image:
    """One parcel with its tag, RGB 1280×720; the same code and seed give the same picture."""
    chance = random.Random(seed)  # noqa: S311 (nothing here is a secret)
    picture = _bench(chance)
    box = _box(chance, code, seed).rotate(
        chance.uniform(-5, 5), expand=True, resample=Image.Resampling.BICUBIC
    )
    left = (SIZE[0] - box.width) // 2 + chance.randint(-20, 20)
    top = (SIZE[1] - box.height) // 2 + chance.randint(-12, 12)
    shadow = Image.new("RGBA", box.size, "black")
    shadow.putalpha(box.getchannel("A").point(lambda alpha: alpha // 2))
    _lay(picture, shadow.filter(ImageFilter.GaussianBlur(14)), (left + 16, top + 20))
    _lay(picture, box, (left, top))
    return _lit(picture).filter(ImageFilter.GaussianBlur(0.7))


def _lay(picture: Image.Image, piece: Image.Image, place: tuple[int, int]) -> None:
    picture.paste(piece.convert("RGB"), place, piece.getchannel("A"))


def _bench(chance: random.Random) -> Image.Image:
    """Planks, darker at the joints, with a grain along them."""
    picture = Image.new("RGB", SIZE, "#7d8580")
    draw = ImageDraw.Draw(picture)
    for top in range(0, SIZE[1], 120):
        shade = chance.randint(-9, 9)
        draw.rectangle((0, top, SIZE[0], top + 117), fill=(126 + shade, 132 + shade, 128 + shade))
        for _ in range(26):
            y, x = top + chance.randint(3, 114), chance.randint(-200, SIZE[0])
            tone = 112 + shade + chance.randint(0, 22)
            draw.line((x, y, x + chance.randint(90, 520), y), fill=(tone, tone + 5, tone + 2))
    return picture


def _box(chance: random.Random, code: str, seed: int) -> Image.Image:
    """The lid of the box, RGBA: cardboard, tape across, the carrier's label, Baton's tag."""
    size = (chance.randint(700, 780), chance.randint(610, 660))
    box = Image.new("RGB", size, chance.choice(CARDBOARD))
    draw = ImageDraw.Draw(box, "RGBA")
    for x in range(0, size[0], 7):  # the flutes of the cardboard
        draw.line((x, 0, x, size[1]), fill=(255, 255, 255, chance.randint(2, 12)))
    middle = size[1] // 2 + chance.randint(-30, 30)
    draw.rectangle((0, middle - 34, size[0], middle + 34), fill=(226, 205, 165, 150))
    draw.line((0, middle, size[0], middle), fill=(90, 62, 36, 120), width=2)
    label = _label(chance, seed)
    box.paste(label, (size[0] - label.width - 36, 34))
    tag = _tag(code)
    x, y = (size[0] - tag.width) // 2 - 60, (size[1] - tag.height) // 2 - 20
    draw.rounded_rectangle((x - 3, y + 3, x + tag.width + 5, y + tag.height + 7), 10, fill=(60, 40, 20, 90))
    box.paste(tag, (x, y), _corners(tag.size))
    return box.convert("RGBA")


def _tag(code: str) -> Image.Image:
    symbol = tag_image(code, module=8).crop((0, 0, 264, 264)).convert("RGB")
    card = Image.new("RGB", (264, 300), "#fdfdfb")
    card.paste(symbol.crop((0, 0, 264, 236)), (0, 0))
    words = f"{code[:4]}-{code[4:8]}-{code[8:]}"
    ImageDraw.Draw(card).text(
        (132, 268), words, fill="#111", anchor="mm", font=ImageFont.load_default(size=25)
    )
    return card


def _corners(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 10, fill=255)
    return mask


def _label(chance: random.Random, seed: int) -> Image.Image:
    """A shipping label that nobody's carrier prints: bars that say nothing, and lines instead of an address."""
    label = Image.new("RGB", (250, 168), "#f7f7f4")
    draw = ImageDraw.Draw(label)
    draw.rectangle((0, 0, 249, 34), fill="#23272b")
    draw.text((12, 17), "DEMO EXPRESS", fill="white", anchor="lm", font=ImageFont.load_default(size=18))
    draw.text((238, 17), f"{seed + 1:02d}", fill="white", anchor="rm", font=ImageFont.load_default(size=18))
    x = 14
    while x < 232:
        width = chance.choice((2, 2, 4, 6))
        draw.rectangle((x, 44, x + width - 1, 92), fill="#1a1a1a")
        x += width + chance.choice((3, 5, 7))
    for line, width in enumerate((190, 150, 210, 96)):
        draw.rectangle((14, 104 + line * 15, 14 + width, 110 + line * 15), fill="#8b9096")
    return label


def _lit(picture: Image.Image) -> Image.Image:
    """Light from the upper left and a darker edge."""
    light = (
        Image.radial_gradient("L")
        .resize((SIZE[0] * 2, SIZE[1] * 2))
        .crop((380, 260, 380 + SIZE[0], 260 + SIZE[1]))
    )
    shade = light.point(lambda value: round(value * 0.55))
    return Image.composite(Image.new("RGB", SIZE, "#0d1216"), picture, shade)
