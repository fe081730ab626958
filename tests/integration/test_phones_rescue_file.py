"""The rescue files that the phone's own code writes, as Python's zipfile and this server's reader see them."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.support.programs import ROOT, find_node
from webapp.services.rescuing.contents import Contents, Line, Manifest, Picture

MOST_BYTES = 50_331_648


def written(folder: Path, handovers: int, sizes: list[int]) -> dict[str, Any]:
    """What the phone sealed and wrote into the folder."""
    node = find_node()
    assert node is not None
    given = {"folder": str(folder), "handovers": handovers, "sizes": sizes}
    done = subprocess.run(
        [str(node), str(ROOT / "tests/js/real/rescue.mjs"), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_zip_program_and_the_reader_find_the_same_whole_file(tmp_path: Path) -> None:
    made = written(tmp_path, 3, [40_001, 7])
    (name,) = made["names"]
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert [info.filename for info in infos][:2] == ["manifest.json", "events.jws"]
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert {info.flag_bits for info in infos} == {0x0800}
        assert archive.read("events.jws").decode() == "".join(f"{line}\n" for line in made["lines"])
        told = json.loads(archive.read("manifest.json"))
    assert (told["format"], told["device"], told["events"], told["blobs"]) == (1, made["device"], 3, 9)
    with (tmp_path / name).open("rb") as file:
        found = list(Contents(file).read())
    assert [type(thing) for thing in found] == [Manifest, *[Line] * 3, *[Picture] * 9], "and no gap"
    assert [thing.raw for thing in found if isinstance(thing, Line)] == made["lines"]
    pictures = [thing for thing in found if isinstance(thing, Picture)]
    assert [picture.sha256 for picture in pictures] == made["pictures"]
    assert all(picture.fault is None for picture in pictures)


def test_what_is_too_much_for_one_file_is_several_each_whole_and_the_first_has_every_event(
    tmp_path: Path,
) -> None:
    made = written(tmp_path, 3, [10_485_760, 10_485_760])
    assert [name[-8:] for name in made["names"]] == ["-1.baton", "-2.baton"]
    pictures: list[str] = []
    for number, name in enumerate(made["names"], 1):
        assert (tmp_path / name).stat().st_size <= MOST_BYTES
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert archive.testzip() is None
            told = json.loads(archive.read("manifest.json"))
            lines = archive.read("events.jws").decode().splitlines()
            names = archive.namelist()[2:]
        assert (told["part"], told["parts"], told["events"], told["blobs"]) == (
            number,
            2,
            len(lines),
            len(names),
        )
        assert lines == (made["lines"] if number == 1 else [])
        pictures += [entry[6:70] for entry in names]
    assert pictures == made["pictures"]
