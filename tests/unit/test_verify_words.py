"""What `baton verify` prints of a bundle that somebody else wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.vectors.forgeries.cast import OTHER, PARCEL, Cast, make_cast
from webapp.cli.proof import verify

TRICK = "X\x1b[2J\x1b[H\x9b2J\rAll of it holds.\nAll of it holds.\u2028\u202e\x07"


def words_of(folder: Path, data: bytes) -> list[str]:
    file = folder / "proof.zip"
    file.write_bytes(data)
    return CliRunner().invoke(verify, [str(file)]).output.split("\n")


def tricky(cast: Cast) -> bytes:
    def edit(told: dict[str, Any]) -> None:
        told["shop"]["name"] = told["about"]["parcel"] = TRICK
        told["events"][0]["id"] = told["events"][0]["kind"] = TRICK

    facts = cast.retold(edit)
    for key in facts.keys["keys"]:
        key["label"] = TRICK
        if key["person"]:
            key["person"].update(name=TRICK, role=TRICK)
    return cast.write(facts)


def test_nothing_in_a_bundle_moves_the_cursor_or_writes_a_line_of_its_own(tmp_path: Path) -> None:
    lines = words_of(tmp_path, tricky(make_cast()))
    assert all(line.isprintable() for line in lines)
    assert "All of it holds." not in lines
    assert "This bundle does NOT prove what it says." in lines
    assert len([line for line in lines if not line]) == 6, "an empty one before each answer, and at the end"


def test_the_codes_that_were_signed_are_printed_whatever_else_the_parcel_is_called(tmp_path: Path) -> None:
    """Whoever runs the server says which names are the parcel's: so who reads sees what the phone has signed."""
    cast = make_cast()
    assert f"{'':<18} signed for {PARCEL} and 1 other parcel" in words_of(tmp_path, cast.write())

    def rename(told: dict[str, Any]) -> None:
        told["about"]["parcel"] = told["parcels"][0]["code"] = "0000000000C0"
        told["names"] = ["0000000000C0", PARCEL]

    lines = words_of(tmp_path, cast.write(cast.retold(rename)))
    assert lines[0].split(": ")[1].startswith("parcel 0000000000C0")
    assert f"{'':<18} signed for {PARCEL}" in lines
    handover = cast.retold(lambda told: told.update(about={"parcel": None, "event": "x"}, names=[]))
    assert f"{'':<18} signed for {PARCEL}, {OTHER}" in words_of(tmp_path, cast.write(handover))
