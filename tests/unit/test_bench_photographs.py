"""`baton bench evidence --photographs`: a folder of one's own pictures, each beside a text that says what it shows."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from tests.support.tagged import tagged
from webapp.cli.bench.evidence import evidence

CODE, OTHER = "ABCDEFGH1234", "ZYXWVTSRQPNM"


def test_pictures_are_counted_by_what_their_text_says(tmp_path: Path) -> None:
    shop = tmp_path / "counter"
    shop.mkdir()
    for name, shown, told in (
        ("right", CODE, CODE),
        ("other", OTHER, CODE),
        ("untold", CODE, None),
        ("words", CODE, "two\nlines"),
    ):
        (shop / f"{name}.jpg").write_bytes(tagged(shown))
        if told is not None:
            (shop / f"{name}.txt").write_text(told)
    (shop / "broken.png").write_bytes(b"no picture")
    answer = CliRunner().invoke(evidence, ["--photographs", str(tmp_path)], catch_exceptions=False)
    assert answer.output.startswith(
        "counter: 50.0% of 2 read (1 at the first look), 1 show only another code, 2 of 2 without a text show one, "
        "0 can be read with their text blurred; "
    )


def test_a_folder_without_pictures_says_what_it_takes(tmp_path: Path) -> None:
    answer = CliRunner().invoke(evidence, ["--photographs", str(tmp_path)], catch_exceptions=False)
    assert "No picture in this folder" in answer.output
