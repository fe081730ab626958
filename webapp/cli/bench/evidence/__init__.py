"""`baton bench evidence`: how well and how fast the checks of photos are, on pictures that the command makes itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option(
    "--frames", default=2000, show_default=True, help="Frames in which the claimed tag is looked for."
)
@click.option("--first", default=0, help="The first frame's number: a long run may be shared out.")
@click.option(
    "--pictures", default=150, show_default=True, help="Pictures a check, with its fault and without."
)
@click.option("--photos", default=60, show_default=True, help="Photos for the speed of whole looks.")
@click.option("--redacted", default=60, show_default=True, help="Pictures whose printed text is blurred.")
@click.option(
    "--photographs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure only these: a folder of pictures, each with a .txt beside it that says what code it shows.",
)
@click.option("--seed", default=2026, show_default=True, help="Another seed is another set.")
@click.option(
    "--plots",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the curves here, as SVG.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
def evidence(
    frames: int,
    first: int,
    pictures: int,
    photos: int,
    redacted: int,
    photographs: Path | None,
    seed: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Measure the checks of photos: match rate, wrong matches, precision and recall, photos a minute."""
    from webapp.cli.bench.evidence import curves, matching, plots, redaction, speed
    from webapp.cli.bench.evidence import photographs as own

    if photographs is not None:
        told = own.measure(photographs)
        click.echo(json.dumps(told, indent=2) if as_json else "\n".join(own.lines(told)))
        return
    figures: dict[str, Any] = {"seed": seed}
    if frames:
        figures["matching"] = matching.run(seed, frames, first).as_dict()
    if pictures:
        measured = curves.measure(seed, pictures)
        figures["checks"] = {curve.name: curve.as_dict() for curve in measured}
        figures["reuse_found"] = round(curves.found_again(seed, pictures), 4)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for curve in measured:
                (folder / f"{curve.name.replace(' ', '-')}.svg").write_text(plots.plot(curve), "utf-8")
    if photos:
        figures["speed"] = speed.measure(seed, photos)
    if redacted:
        figures["redaction"] = redaction.measure(seed, redacted)
    click.echo(json.dumps(figures, indent=2) if as_json else "\n".join(_lines(figures)))


def _lines(figures: dict[str, Any]) -> list[str]:
    from webapp.cli.bench.evidence import matching, redaction

    lines = list(matching.lines(figures["matching"])) if "matching" in figures else []
    for name, told in figures.get("checks", {}).items():
        lines.append(
            f"{name}: precision {told['precision']:.3f}, recall {told['recall']:.3f} at {told['threshold']:g} "
            f"({told['false_alarms']} false alarms; {told['pictures']} pictures)"
        )
    if "reuse_found" in figures:
        lines.append(f"Of photos used again index and sketches find {figures['reuse_found']:.1%}.")
    if "redaction" in figures:
        lines += redaction.lines(figures["redaction"])
    if "speed" in figures:
        told = figures["speed"]
        lines.append(
            f"A whole look at 1600 × 1200: {told['ms_median']} ms median, {told['ms_p95']} ms p95; "
            f"{told['photos_per_minute']} photos a minute by {told['processes']} processes."
        )
    return lines
