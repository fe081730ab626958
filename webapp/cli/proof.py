"""`baton export` writes a proof bundle, `baton verify` checks one: from anywhere, with nothing but the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from sync.evidence.bundle.findings import AREA_WORDS, AREAS, Finding, NoBundle
from sync.evidence.bundle.shell import load_shell
from sync.evidence.bundle.verify import Verdict, verify_bundle
from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import REFUSED, WRONG_USAGE, one_line, say, with_app
from webapp.services.checking.look import eyes
from webapp.services.proving.appeal import export_appeal
from webapp.services.proving.export_proof import export_proof
from webapp.services.proving.gather import Wanted
from webapp.store.queries import people, proofs
from webapp.store.unit import reading

_SHOWN = 20
_FILE = click.Path(dir_okay=False, path_type=Path)


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    group.add_command(export)
    group.add_command(verify)


@click.command()
@click.option("--parcel", help="All that happened to one parcel: code, tracking number or order id.")
@click.option("--event", help="One handover, by its event's id.")
@click.option("--output", "-o", "target", type=_FILE, required=True, help="The file to write.")
@click.option(
    "--appeal", is_flag=True, help="The pack for a marketplace's claims desk: stamped copies, a manifest."
)
@click.option(
    "--redact",
    is_flag=True,
    help="Blur printed text other than the parcel's own tag; originals of photos stay here.",
)
@with_app
def export(
    parcel: str | None, event: str | None, target: Path, appeal: bool, redact: bool, as_json: bool
) -> None:
    """Write a proof that stands alone: a zip that anybody can check offline."""
    if (parcel is None) == (event is None):
        raise click.UsageError("Name one of --parcel and --event.")
    with reading() as session:
        org_id = people.only_shop(session).id
        if parcel is not None:
            org_id, parcel = proofs.find_parcel(session, parcel)
        elif event is not None:
            org_id = proofs.org_of_event(session, event) or org_id
    with written(target) as out, closing(eyes()):
        write = export_appeal if appeal else export_proof
        done = write(Wanted(org_id, parcel=parcel, event=event, is_redacted=redact), out, clock.now())
    size = target.stat().st_size
    told = {
        "file": str(target),
        "size": size,
        "parcel": parcel,
        "event": event,
        "events": len(done.sealed["events"]),
        "server_key": done.server_key,
        "redacted": redact,
    }
    hint = "" if appeal else f" Check it with: baton verify {target}"
    say(
        told,
        as_json,
        f"{target}: {told['events']} events, {size} bytes.{hint}",
    )


@contextmanager
def written(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the target's name only when it is whole and on the disk."""
    try:
        held = tempfile.NamedTemporaryFile(dir=target.parent, prefix=".baton-", delete=False)  # noqa: SIM115
    except OSError as error:
        raise Problem("file-unwritable", f"{target} cannot be written: {error.strerror}.") from error
    name = Path(held.name)
    try:
        with held:
            yield held.file  # type: ignore[misc]  # a plain file, open for both
            held.flush()
            os.fsync(held.fileno())
        name.replace(target)
    except OSError as error:
        raise Problem("file-unwritable", f"{target} cannot be written: {error.strerror}.") from error
    finally:
        name.unlink(missing_ok=True)


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path), required=False
)
@click.option("--server-key", help="The fingerprint of the server's key, if you know it from elsewhere.")
@click.option(
    "--tsa-certs",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="The roots (PEM) of the time stamps' authority: checks its signature too.",
)
@click.option(
    "--page", type=_FILE, help="Write the page that checks bundles in a browser here, and nothing else."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
def verify(
    file: Path | None, server_key: str | None, tsa_certs: Path | None, page: Path | None, as_json: bool
) -> None:
    """Check a proof bundle: needs no database, no network and no account.

    Exit code 0: all of it holds. 1: something does not, and is named. 2: the file is no bundle.
    """
    if (file is None) == (page is None):
        raise click.UsageError("Name a file to check, or --page FILE.")
    if page is not None:
        page.write_bytes(load_shell())
        say({"page": str(page)}, as_json, f"{page}: open it in a browser and choose a bundle.")
        return
    assert file is not None
    try:
        with file.open("rb") as stream:
            verdict = verify_bundle(stream, server_key, tsa_certs.read_bytes() if tsa_certs else None)
    except NoBundle as refused:
        told = {
            "verdict": "no_bundle",
            "code": refused.code,
            "title": refused.title,
            "detail": refused.detail,
        }
        say({"file": str(file), **told}, as_json, one_line(f"{file}: {refused.title}. {refused.detail}"))
        raise SystemExit(WRONG_USAGE) from refused
    words = "\n".join(map(one_line, _words(file, verdict)))
    say({"file": str(file), **verdict.as_dict()}, as_json, words)
    if not verdict.all_hold:
        raise SystemExit(REFUSED)


def _words(file: Path, verdict: Verdict) -> Iterator[str]:
    facts = verdict.facts
    about = facts["about"]
    subject = f"parcel {about['parcel']}" if about["parcel"] else f"event {about['event'] or '-'}"
    yield f"{file}: {subject}, of {facts['shop'] or 'an unknown shop'}, made {facts['made_at'] or '-'}"
    told: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {"who": _who, "time_bounds": _times}
    for area in AREAS:
        yield ""
        yield f"{AREA_WORDS[area]} ({area}): {'holds' if verdict.holds(area) else 'DOES NOT HOLD'}"
        findings = verdict.areas[area]
        yield from (_finding(finding) for finding in findings[:_SHOWN])
        if len(findings) > _SHOWN:
            yield f"  … and {len(findings) - _SHOWN} more (all of them with --json)"
        yield from told[area](facts) if area in told else ()
    yield ""
    yield f"{'All of it holds.' if verdict.all_hold else 'This bundle does NOT prove what it says.'}"


def _finding(finding: Finding) -> str:
    where = f" {finding.where}:" if finding.where else ""
    detail = f" {finding.detail}" if finding.detail else ""
    return f"  {'!' if finding.is_fault else '-'} {finding.code}:{where} {finding.sentence}{detail}"


def _who(facts: dict[str, Any]) -> Iterator[str]:
    for person in facts["people"]:
        ended = f", signed out {person['revoked_at']}" if person["revoked_at"] else ""
        held = f"key {person['key'] or 'none'}, enrolled {person['enrolled_at']}{ended}"
        who = f"{person['name'] or person['device']} ({person['role']}), {person['device']}"
        yield f"  {who}: {person['events']} events, {held}"
    yield f"  server's key: {facts['server_key'] or 'not there'} (compare it with what you know of this server)"


def _times(facts: dict[str, Any]) -> Iterator[str]:
    for event in facts["events"][:_SHOWN]:
        by = event["received_by"] or "the server's own word"
        yield f"  {event['kind']:<16} phone says {event['claimed_at']}, server had it by {by}"
        if named := _parcels(event):
            yield f"  {'':<16} signed for {named}"
        if stamped := event["stamped"]:
            doubt = "" if stamped["is_checked"] else " (its signature was not checked)"
            yield f"  {'':<16} existed before {stamped['at']}, by the word of {stamped['by']}{doubt}"


def _parcels(event: dict[str, Any]) -> str:
    """The codes that were signed, so that who reads can compare them with the parcel's."""
    codes = event["parcels"]
    more = event["other_parcels"] + len(codes[_SHOWN:])
    rest = f"{more} other parcel{'' if more == 1 else 's'}" if more else ""
    return " and ".join(words for words in (", ".join(codes[:_SHOWN]), rest) if words)
