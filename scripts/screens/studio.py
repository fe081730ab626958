"""Takes the pictures: one page, every theme, few colours, and no new file where nothing but a time of day changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Page

COLOURS = 128  # as many as a screen of ours has, with the steps between letters and ground
COLOURS_OF_PHOTOS = 256
SMALL = 10  # pixels that become one when two pictures are compared: letters blur, a moved line does not
FAR = 24  # of 255
CHANGED = 0.004  # the share of far pixels from which a picture is a new one


class Studio:
    """Photographs pages into a folder. `taken` are the names of the files, `changed` of those written anew."""

    def __init__(self, folder: Path, *, all_anew: bool = False) -> None:
        self.folder = folder
        self.all_anew = all_anew
        self.taken: list[str] = []
        self.changed: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(
        self, page: Page, name: str, themes: Sequence[str] = ("light", "dark"), *, photos: bool = False
    ) -> None:
        """Take what is on the screen in each theme, as `<name>-<theme>.png`."""
        for theme in themes:
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            page.evaluate(
                """(theme) => {
                  if (theme === "outdoor") document.documentElement.dataset.theme = theme;
                  else delete document.documentElement.dataset.theme;
                }""",
                theme,
            )
            data = page.screenshot(animations="disabled", caret="hide")
            self._keep(f"{name}-{theme}.png", data, COLOURS_OF_PHOTOS if photos else COLOURS)
        page.emulate_media(color_scheme="light")
        page.evaluate("delete document.documentElement.dataset.theme")

    def _keep(self, name: str, data: bytes, colours: int) -> None:
        self.taken.append(name)
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        path = self.folder / name
        if path.exists() and not self.all_anew and _is_alike(picture, path):
            return
        self.changed.append(name)
        few = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(path, optimize=True)

    def clear(self) -> list[str]:
        """Remove the pictures of screens that are no more; gives their names. Only after all were taken."""
        old = sorted(path.name for path in self.folder.glob("*.png") if path.name not in set(self.taken))
        for name in old:
            (self.folder / name).unlink()
        return old

    def size(self) -> int:
        """Bytes of all pictures together."""
        return sum(path.stat().st_size for path in self.folder.glob("*.png"))


def _is_alike(picture: Image.Image, path: Path) -> bool:
    """Whether they differ only as two days' codes and times do."""
    with Image.open(path) as opened:
        before = opened.convert("RGB")
    if before.size != picture.size:
        return False
    small = (picture.width // SMALL, picture.height // SMALL)
    box = Image.Resampling.BOX
    apart = ImageChops.difference(picture.resize(small, box), before.resize(small, box)).convert("L")
    far = sum(apart.histogram()[FAR:])
    return far < CHANGED * small[0] * small[1]
