"""With the authority's certificates it is checked too who stamped a bundle's days; without them that is said."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from click.testing import CliRunner

from sync.evidence.bundle.verify import Verdict, verify_bundle
from sync.evidence.timestamp import token
from tests.support.tsa import NAME, TimeAuthority
from tests.vectors.forgeries.cast import Cast, make_cast, members_of
from tests.vectors.forgeries.stamped import _long_ago, _response, stamped
from webapp.cli.group import group


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def bundle(cast: Cast, authority: TimeAuthority) -> bytes:
    return cast.write(stamped(cast, authority))


def verified(data: bytes, roots: TimeAuthority | None) -> Verdict:
    return verify_bundle(io.BytesIO(data), None, roots.certs.read_bytes() if roots else None)


def notes(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.areas["time_bounds"] if not finding.is_fault}


def test_with_the_certificates_every_event_existed_before_the_stamp(
    bundle: bytes, authority: TimeAuthority
) -> None:
    verdict = verified(bundle, authority)
    assert verdict.all_hold, verdict.codes
    assert "stamp_unchecked" not in notes(verdict)
    told = [event["stamped"] for event in verdict.facts["events"]]
    assert len(told) == 5
    assert all(
        (stamp["by"], stamp["is_checked"], stamp["day"]) == (NAME, True, "2026-11-22") for stamp in told
    )


def test_without_them_it_holds_and_the_command_that_checks_is_said_and_works(
    bundle: bytes, cast: Cast, authority: TimeAuthority
) -> None:
    verdict = verified(bundle, None)
    assert verdict.all_hold
    assert {event["stamped"]["is_checked"] for event in verdict.facts["events"]} == {False}
    [note] = [f for f in verdict.areas["time_bounds"] if f.code == "stamp_unchecked"]
    command = note.detail.partition("openssl ")[2]
    (authority.folder / "stamp.tsr").write_bytes(_only_response(bundle))
    said = authority.openssl(*command.replace("FILE", "ca.pem").split(), config=False)
    assert b"OK" in said


def _only_response(bundle: bytes) -> bytes:
    import base64
    import json

    return base64.b64decode(json.loads(members_of(bundle)["stamps.json"])["stamps"][0]["response"])


def test_somebody_elses_certificates_do_not_vouch_for_it(
    bundle: bytes, stranger: TimeAuthority, cast: Cast, authority: TimeAuthority
) -> None:
    verdict = verified(bundle, stranger)
    assert verdict.codes == ["stamp_signature"]
    assert {event["stamped"] for event in verdict.facts["events"]} == {None}
    others = cast.write(replace(stamped(cast, authority), stamps=stamped(cast, stranger).stamps))
    assert verified(others, authority).codes == ["stamp_signature"]


def test_a_time_set_back_in_the_answer_is_told_by_its_signature(cast: Cast, authority: TimeAuthority) -> None:
    facts = stamped(cast, authority)
    _response(_earlier)(facts.stamps[0])  # type: ignore[arg-type]
    data = cast.write(facts)
    assert verified(data, None).all_hold, "nobody can tell without the certificates"
    assert verified(data, authority).codes == ["stamp_signature"]
    _response(_long_ago)(facts.stamps[0])  # type: ignore[arg-type]
    assert verified(cast.write(facts), None).codes == ["stamp_before_receipt", "time_after_stamp"]


def _earlier(raw: bytes) -> bytes:
    return _long_ago(raw).replace(b"20261122070000Z", b"20261123010000Z")


def test_the_earliest_of_two_stamps_counts(cast: Cast, authority: TimeAuthority) -> None:
    facts = stamped(cast, authority)
    later = stamped(cast, authority, day="2026-11-23").stamps
    _response(_earlier)(facts.stamps[0])  # type: ignore[arg-type]
    both = replace(facts, stamps=[*later, *facts.stamps])
    told = verified(cast.write(both), None).facts["events"]
    assert {event["stamped"]["at"] for event in told} == {"2026-11-23T01:00:00Z"}


def test_the_command_says_before_when_it_was_and_by_whose_word(
    bundle: bytes, authority: TimeAuthority, stranger: TimeAuthority
) -> None:
    file = authority.folder / "proof.zip"
    file.write_bytes(bundle)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(group, ["verify", str(file), *words])
        return done.exit_code, done.stdout

    at = token.read(_only_response(bundle)).at
    status, said = run("--tsa-certs", str(authority.certs))
    assert status == 0
    assert f"existed before {at}, by the word of {NAME}\n" in said
    status, said = run()
    assert status == 0
    assert "(its signature was not checked)" in said
    assert "openssl ts -verify" in said
    assert run("--tsa-certs", str(stranger.certs))[0] == 1
