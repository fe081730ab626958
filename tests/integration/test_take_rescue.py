"""A rescue file taken in: the same door, twice is once, and what is damaged costs only itself."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from sync.protocol.problems import Problem
from tests.support.desk import picture, reference, scrawl
from tests.support.rescue import (
    digest,
    flipped,
    header_of,
    rescue_file,
    rescue_parts,
    without_directory,
    zipped,
)
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services.drop_unreferenced_blobs import drop_unreferenced_blobs
from webapp.services.enrol import revoke_device
from webapp.services.rebuild import check
from webapp.services.rescuing.take import Rescued, take_rescue
from webapp.store import blobs as blob_store
from webapp.store.models import Blob, Event, Parcel, Quarantined, Receipt, RescueFile, RescueItem
from webapp.store.unit import reading


@dataclass
class Scene:
    """A phone with three handovers that it never sent, each with a photo and a signature."""

    org_id: str
    phone: ApiPhone
    codes: list[str]
    lines: list[str]
    pictures: list[bytes]

    @property
    def file(self) -> bytes:
        return rescue_file(self.phone.device, self.lines, self.pictures)

    def take(self, data: bytes | None = None) -> Rescued:
        return take_rescue(self.org_id, None, "a.baton", io.BytesIO(data or self.file), clock.now())

    def statuses(self) -> set[str]:
        with reading() as session:
            rows = session.execute(select(Parcel.status).where(Parcel.org_id == self.org_id))
            return {row.status for row in rows}

    def count(self, model: type) -> int:
        with reading() as session:
            query = select(func.count()).select_from(model).where(model.org_id == self.org_id)  # type: ignore[attr-defined]
            return session.execute(query).scalar_one()


def seal(phone: ApiPhone, codes: list[str]) -> tuple[list[str], list[bytes]]:
    lines, pictures = [], []
    for code in codes:
        photo, signature = picture(f"{code} {phone.device}", (300, 400)), scrawl()
        lines.append(
            phone.seal(
                "collect",
                [code],
                intact=True,
                counterpart={"name": "Ibu Sari", "role": "seller"},
                blobs=[reference(photo), reference(signature, "signature")],
            )
        )
        pictures += [photo] if signature in pictures else [photo, signature]
    return lines, pictures


@pytest.fixture
def scene(app_on_both: Flask) -> Scene:
    org_id = make_shop()
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, active=True))
    codes = make_parcels(org_id, 3, status="ready")
    return Scene(org_id, phone, codes, *seal(phone, codes))


def test_what_a_phone_never_sent_comes_in_as_if_it_had(scene: Scene) -> None:
    done = scene.take()
    assert [result.status for result in done.results] == ["applied"] * 3
    assert [blob.status for blob in done.blobs] == ["kept"] * 4
    assert (done.troubles, done.missing, scene.statuses()) == ([], [], {"handed_over"})
    assert all(blob_store.current().has(scene.org_id, digest(data)) for data in scene.pictures)
    with reading() as session:
        sent = session.execute(select(Event.jws).where(Event.device_id == scene.phone.device)).scalars().all()
    assert sorted(sent) == sorted(scene.lines)
    assert scene.count(Receipt) == 1, "what was taken in is promised like any batch"
    assert check(clock.now())[1] == []


def test_taken_in_twice_nothing_changes_but_the_record_of_it(scene: Scene) -> None:
    scene.take()
    before = {model: scene.count(model) for model in (Event, Blob, Quarantined, Receipt)}
    again = scene.take()
    assert [result.status for result in again.results] == ["duplicate"] * 3
    assert [blob.status for blob in again.blobs] == ["held"] * 4
    assert {model: scene.count(model) for model in before} == before
    assert scene.count(RescueFile) == 2
    with reading() as session:
        rows = session.execute(select(RescueFile).order_by(RescueFile.created_at)).scalars().all()
    assert [row.counts for row in rows] == [
        {"applied": 3, "kept": 4, "troubles": 0, "missing": 0},
        {"duplicate": 3, "held": 4, "troubles": 0, "missing": 0},
    ]
    assert scene.phone.send(*scene.lines)["results"][0]["status"] == "duplicate"


def test_it_is_no_word_of_the_phone_itself(scene: Scene) -> None:
    from webapp.store.models import Device

    with reading() as session:
        before = session.get_one(Device, scene.phone.device).last_seen_at
    scene.take()
    with reading() as session:
        device = session.get_one(Device, scene.phone.device)
    assert (device.last_seen_at, device.high_seq) == (before, 3)


def test_more_than_a_batch_comes_in_in_order(scene: Scene) -> None:
    many = [scene.phone.seal("attempt", [scene.codes[0]], reason="nobody_home") for _ in range(450)]
    done = scene.take(rescue_file(scene.phone.device, [*scene.lines, *many]))
    assert len(done.results) == 453
    assert {result.status for result in done.results} <= {"applied", "recorded"}
    assert [result.sha256 for result in done.results] == [
        digest(line.encode()) for line in [*scene.lines, *many]
    ]
    assert len(done.missing) == 4, "the photos were not in this file"
    with reading() as session:
        rows = session.execute(select(RescueItem.position, RescueItem.sha256).order_by(RescueItem.position))
        assert [row.sha256 for row in rows] == [result.sha256 for result in done.results]


def test_a_revoked_phones_work_is_held_with_its_pictures(scene: Scene) -> None:
    revoke_device(scene.org_id, scene.phone.device, clock.now())
    done = scene.take()
    assert {(r.status, r.code) for r in done.results} == {("quarantined", "device_revoked")}
    assert [blob.status for blob in done.blobs] == ["kept"] * 4
    drop_unreferenced_blobs(clock.now() + timedelta(days=60))
    assert scene.count(Blob) == 4, "its pictures wait with it"
    assert scene.statuses() == {"ready"}


def test_a_phone_that_nobody_knows_here_is_held_as_such(scene: Scene, app_on_both: Flask) -> None:
    other = make_shop("Another shop")
    stranger = ApiPhone(app_on_both.test_client(), other, make_user(other, active=True))
    theirs, _ = seal(stranger, scene.codes[:1])
    done = scene.take(rescue_file(stranger.device, [*theirs, *scene.lines]))
    assert [(r.status, r.code) for r in done.results] == [
        ("quarantined", "device_unknown"),
        *[("applied", None)] * 3,
    ]
    with reading() as session:
        held = session.execute(select(Quarantined)).scalar_one()
    assert (held.org_id, held.claimed_device, held.signature_good) == (scene.org_id, stranger.device, False)


def test_several_phones_may_lie_in_one_file(scene: Scene) -> None:
    other = ApiPhone(scene.phone.client, scene.org_id, make_user(scene.org_id, name="Two", active=True))
    theirs, _ = seal(other, make_parcels(scene.org_id, 2, seed=9))
    mixed = [scene.lines[0], theirs[0], scene.lines[1], theirs[1], scene.lines[2]]
    done = scene.take(rescue_file(scene.phone.device, mixed))
    assert [r.status for r in done.results] == ["applied"] * 5
    assert [r.sha256 for r in done.results] == [digest(line.encode()) for line in mixed]


# --- damage ---------------------------------------------------------------------------------------


def test_a_file_without_its_directory_gives_everything(scene: Scene) -> None:
    done = scene.take(without_directory(scene.file))
    assert ([r.status for r in done.results], len(done.blobs)) == (["applied"] * 3, 4)
    assert [gap.detail for gap in done.troubles] == [
        "The file ends before its directory: it may once have held more."
    ]


def test_a_file_cut_anywhere_gives_what_lies_before_the_cut(scene: Scene) -> None:
    whole = scene.file
    starts = [header_of(whole, name) for name in rescue_parts("", [], scene.pictures)]
    events_at = header_of(whole, "events.jws") + 40
    seen = set()
    first = whole.index(b"\n", events_at) + 1
    for cut in [*starts[2:], *range(first, starts[2], 97)]:
        done = scene.take(whole[:cut])
        seen.add(len(done.results))
        whole_lines = whole[events_at:cut].count(b"\n")
        assert len(done.results) == min(3, whole_lines), cut
        assert done.troubles, cut
        assert {b.status for b in done.blobs if b.code is None} <= {"kept", "held"}
    assert seen == {1, 2, 3}
    with pytest.raises(Problem, match="The file ends inside this event"):
        scene.take(whole[: first - 1])
    assert scene.count(Quarantined) == 0, "half an event is no event"


def test_one_damaged_picture_costs_only_itself(scene: Scene) -> None:
    bad = digest(scene.pictures[1])
    name = f"blobs/{bad}.png"
    data = flipped(scene.file, header_of(scene.file, name) + 30 + len(name) + 200)
    done = scene.take(data)
    assert [(b.sha256 == bad, b.status) for b in done.blobs] == [
        (sha == bad, "refused" if sha == bad else "kept") for sha in map(digest, scene.pictures)
    ]
    refused = next(blob for blob in done.blobs if blob.status == "refused")
    assert (refused.code, refused.detail) == (
        "digest-mismatch",
        "Its bytes were changed: the checksum does not fit.",
    )
    assert done.missing == [bad]
    assert [r.status for r in done.results] == ["applied"] * 3


@pytest.mark.parametrize("offset", [14, 18, 20, 26])
def test_a_damaged_header_hides_no_other_part(scene: Scene, offset: int) -> None:
    """14 the checksum, 18 and 20 the size (20 makes it longer than the file), 26 the length of the name."""
    name = f"blobs/{digest(scene.pictures[0])}.jpg"
    done = scene.take(flipped(scene.file, header_of(scene.file, name) + offset))
    kept = {blob.sha256 for blob in done.blobs if blob.status == "kept"}
    assert {digest(data) for data in scene.pictures[1:]} <= kept
    assert [r.status for r in done.results] == ["applied"] * 3


def test_a_damaged_line_is_held_and_the_others_come_in(scene: Scene) -> None:
    line = scene.lines[1]
    data = scene.file.replace(line.encode(), line[:60].encode() + b"\xff" + line[61:].encode())
    done = scene.take(data)
    assert [r.status for r in done.results] == ["applied", "quarantined", "applied"]
    assert done.results[1].code in {"event_malformed", "bad_signature"}
    assert [gap.where for gap in done.troubles] == ["events.jws"]
    again = scene.take()
    assert [r.status for r in again.results] == ["duplicate", "applied", "duplicate"]


def test_a_file_that_was_packed_again_is_read_as_well(scene: Scene) -> None:
    parts = rescue_parts(scene.phone.device, scene.lines, scene.pictures)
    done = scene.take(zipped(parts, zipfile.ZIP_DEFLATED))
    assert ([r.status for r in done.results], done.troubles) == (["applied"] * 3, [])

    class Pipe(io.RawIOBase):
        """Cannot go back, so the sizes follow the bytes."""

        def __init__(self) -> None:
            self.out = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.out += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, data in parts.items():
            archive.writestr(name, data)
    done = scene.take(bytes(pipe.out))
    assert ([r.status for r in done.results], done.troubles) == (["duplicate"] * 3, [])
    assert [blob.status for blob in done.blobs] == ["held"] * 4


def test_without_a_manifest_the_events_speak_for_themselves(scene: Scene) -> None:
    parts = rescue_parts(scene.phone.device, scene.lines)
    del parts["manifest.json"]
    assert [r.status for r in scene.take(zipped(parts)).results] == ["applied"] * 3
