"""Cut the fonts of printed proofs to what they need: `python -m scripts.make_fonts FOLDER`.

FOLDER is a node_modules in which `npm install @expo-google-fonts/noto-sans @expo-google-fonts/noto-sans-thai
@expo-google-fonts/noto-sans-sc` was done (Noto, SIL Open Font Licence; no devDependencies of the house, because their
unused weights are 100 MB). Needs fonttools, which fpdf2 brings. The cut copies are committed.

Latin has all that Vietnamese, Malay, Indonesian and Filipino write; Thai is whole; of Chinese the characters of GB 2312
and of Big5's first level, which names and notes are written with. A character beyond them prints as an empty box, and
stands in events.jws all the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset

FONTS = Path(__file__).parent.parent / "sync" / "evidence" / "printing" / "fonts"
LATIN = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x250),
    *range(0x2B0, 0x370),
    *range(0x1E00, 0x1F00),
    *range(0x2000, 0x2070),
    *range(0x20A0, 0x20C0),
    *(0x2122, 0x2116, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0xFFFD),
]
THAI = [*range(0xE00, 0xE80), 0x20, 0x200B, 0x200C, 0x200D, 0x25CC]


def chinese() -> list[int]:
    """The code points of GB 2312, of Big5 level 1, and of the punctuation between them."""
    found = {*range(0x3000, 0x3040), *range(0xFF00, 0xFFF0)}
    for code in range(0x3400, 0xA000):
        for encoding, last in (("gb2312", 0xFFFF), ("big5", 0xC67E)):
            try:
                raw = chr(code).encode(encoding)
            except UnicodeEncodeError:
                continue
            if int.from_bytes(raw, "big") <= last:
                found.add(code)
    return sorted(found)


def cut(source: Path, target: str, codes: list[int]) -> None:
    """One font with these characters alone, its shaping kept."""
    options = subset.Options()
    options.layout_features = ["*"] if "SC" not in target else ["kern", "locl", "ccmp"]
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["DSIG", "STAT", "vhea", "vmtx"]
    font = subset.load_font(str(source), options)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=codes)
    maker.subset(font)
    subset.save_font(font, str(FONTS / target), options)
    print(f"{target}: {(FONTS / target).stat().st_size // 1024} kB")


def main() -> None:
    """All five."""
    source = Path(sys.argv[1]) / "@expo-google-fonts"
    FONTS.mkdir(parents=True, exist_ok=True)
    for weight, name in (("400Regular", "Regular"), ("700Bold", "Bold")):
        cut(source / "noto-sans" / weight / f"NotoSans_{weight}.ttf", f"NotoSans-{name}.ttf", LATIN)
        thai = source / "noto-sans-thai" / weight / f"NotoSansThai_{weight}.ttf"
        cut(thai, f"NotoSansThai-{name}.ttf", THAI)
    cut(
        source / "noto-sans-sc" / "400Regular" / "NotoSansSC_400Regular.ttf",
        "NotoSansSC-Regular.ttf",
        chinese(),
    )


if __name__ == "__main__":
    main()
