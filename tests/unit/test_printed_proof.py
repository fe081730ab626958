"""Printed proofs: names in every script of the region, times, digests, and copies that a claims desk takes."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image
from pypdfium2 import PdfDocument

from sync.evidence.bundle import findings
from sync.evidence.printing import words
from sync.evidence.printing.proof import Printed, print_proof
from sync.evidence.printing.stamp import MOST_BYTES, stamp
from sync.rules.lifecycle import TABLE
from tests.vectors.forgeries.cast import make_cast, payload_of

KIND_WORDS = json.loads((Path(__file__).parents[1] / "vectors" / "kind_words.json").read_text("utf-8"))
JAKARTA = timezone(timedelta(hours=7))
NAMES = {
    "Vietnamese": "Nguyễn Thị Hà Phượng",
    "Thai": "สมชาย ใจดี เจ้าหน้าที่",
    "Chinese, simplified": "陈伟强",
    "Chinese, traditional": "陳偉強",
    "Malay": "Siti binti Abdul Rahman",
    "Indonesian": "Dwi Kusumawardhani",
    "Filipino": "José Ñ. dela Cruz",
}


def printed(name: str = "Budi", note: str = "") -> Printed:
    cast = make_cast()
    timeline = dict(cast.facts.timeline)
    pairs = zip(timeline["events"], cast.facts.events, strict=True)
    payloads = {event["id"]: {**payload_of(jws), "note": note} for event, jws in pairs}
    for event in timeline["events"]:
        event["actor_name"] = name
    return Printed(timeline, cast.facts.keys, payloads, cast.pictures, JAKARTA)


def text_of(pdf: bytes) -> str:
    """The words on its pages, a form feed between two."""
    with PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    return "\f".join(pages).replace("\r\n", "\n")


def letters_of(text: str) -> list[str]:
    """Its letters in no order: marks above and below are read from a page in another one than they are written."""
    return sorted(re.sub(r"\s", "", text))


def test_a_proof_names_who_stamped_which_of_its_days() -> None:
    days = [
        {"day": f"2026-11-{day:02}", "by": NAMES["Vietnamese"], "events": ["x"] * day} for day in range(1, 12)
    ]
    text = text_of(print_proof(replace(printed(), stamps=days)))
    assert f"2026-11-01 UTC: 1 record, by {NAMES['Vietnamese']}" in text
    assert "2026-11-08 UTC: 8 records" in text
    assert "2026-11-09" not in text
    assert "and 3 more days" in text
    assert "Time stamps" not in text_of(print_proof(printed()))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_printed_as_it_is_written(name: str) -> None:
    text = text_of(print_proof(printed(name)))
    who = [line.removeprefix("Packed ").partition(" – ")[0] for line in text.split("\n")]
    assert name in text or letters_of(name) in map(letters_of, who)


def test_a_proof_says_who_when_where_how_many_and_the_digests() -> None:
    facts = printed(note="Ditaruh di meja satpam")
    text = text_of(print_proof(facts))
    collect = facts.timeline["events"][1]
    for expected in (
        "Proof of handover",
        "Toko Sari",
        "7Z3K-9QW2-M4XP",
        "Nguyễn Thị Hà",
        "22 Nov 2026, 14:30:00 (UTC+07:00)",
        "22 Nov 2026, 15:00:00 (UTC+07:00)",
        collect["sha256"],
        collect["blobs"][0]["sha256"][:32],
        "Ditaruh di meja satpam",
        "Shows another parcel",
        "and 1 other parcel",
    ):
        assert expected in text, expected


def test_a_proof_says_whose_signature_each_record_has() -> None:
    facts = printed()
    text = text_of(print_proof(facts))
    assert "4 on the phone that made it; 1 by the server, for the office" in text
    assert "Each record below was signed" not in text
    assert "stated by the office" not in text.lower()
    delivery = facts.timeline["events"][3]
    delivery["device"] = "dev-server"
    facts.payloads[delivery["id"]]["data"] = {"stated_from": {"device": "dev-courier"}}
    for key in facts.keys["keys"]:
        if key["device"] == "dev-seller":
            key["kid"] = key["jwk"] = None
    text = " ".join(text_of(print_proof(facts)).split())
    assert "2 on the phone that made it; 1 by the server, for the office; 1 by the server only:" in text
    assert "1 by nobody: the phone could not keep a key" in text
    assert "Stated by the office: it repeats what a phone said" in text


def test_what_a_phone_writes_into_its_own_record_makes_it_no_statement_of_the_office() -> None:
    facts = printed()
    for event in facts.timeline["events"]:
        if event["device"] != "dev-server":
            facts.payloads[event["id"]]["data"] = {"stated_from": {}}
    text = text_of(print_proof(facts))
    assert "4 on the phone that made it; 1 by the server, for the office" in text
    assert "stated by the office" not in text.lower()


def test_pictures_that_lie_beside_the_sheet_are_counted_and_pointed_at() -> None:
    facts = printed()
    assert "Is in the bundle; it could not be shown here" in text_of(print_proof(replace(facts, copies={})))
    text = text_of(print_proof(replace(facts, copies={}, beside="images/")))
    assert re.search(r"Pictures +4\n", text)
    assert text.count("See images/") == 4
    assert "could not be shown" not in text


def test_pictures_of_other_parcels_are_counted_in_one_line() -> None:
    facts = printed()
    event = next(event for event in facts.timeline["events"] if event["kind"] == "collect")
    photo = next(blob for blob in event["blobs"] if blob["role"] != "signature")
    kept = len(print_proof(facts).split(b"/Type /Page\n"))
    left_out = [{**photo, "sha256": f"{n:064x}", "state": "left_out"} for n in range(150)]
    before = sum(blob["state"] == "left_out" for blob in event["blobs"])
    event["blobs"] = [*event["blobs"], *left_out]
    pdf = print_proof(facts)
    assert len(pdf.split(b"/Type /Page\n")) == kept
    text = text_of(pdf)
    assert f"{150 + before} pictures" in text
    assert text.count("Shows another parcel") == 1


def test_a_withdrawn_record_and_a_finding_are_said_aloud() -> None:
    facts = printed()
    facts.timeline["events"][1]["withdrawn_by"] = ["x"]
    facts.timeline["events"][1]["findings"] = [{"code": "count_mismatch", "detail": "short 1"}]
    text = text_of(print_proof(facts))
    assert "This record was withdrawn later" in text
    assert "The server noted: Count mismatch (short 1)" in text


def test_what_only_asks_or_ends_is_not_printed_as_what_it_is_about() -> None:
    facts = printed()
    for event, kind, data in zip(
        facts.timeline["events"][:2], ("cancel", "hold"), ({"requested": True}, {"on": False}), strict=True
    ):
        event["kind"], facts.payloads[event["id"]]["data"] = kind, data
    text = " ".join(text_of(print_proof(facts)).split())
    assert "Cancellation asked" in text
    assert "No longer on hold" in text
    assert "Cancelled" not in text
    assert "Put on hold" not in text


@pytest.mark.parametrize(("kind", "data", "word"), KIND_WORDS)
def test_an_event_is_called_by_its_kind_and_its_data_as_on_the_page(
    kind: str, data: object, word: str
) -> None:
    assert words.kind(kind, data) == word


def test_every_kind_of_the_protocol_and_every_cancel_has_a_word() -> None:
    assert {row for row in TABLE if "." not in row or row.startswith("cancel.")} <= set(findings.KIND_WORDS)


def test_the_same_facts_are_printed_in_the_same_bytes() -> None:
    facts = printed()
    assert print_proof(facts) == print_proof(facts)


def test_text_that_turns_the_writing_around_is_printed_without_that() -> None:
    assert "Budi gpj.exe" in text_of(print_proof(printed("Budi \u202egpj.exe")))


def picture(mode: str, size: tuple[int, int], kind: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("mode", "size", "kind"),
    [
        ("RGB", (3000, 4000), "JPEG"),
        ("RGBA", (300, 120), "PNG"),
        ("CMYK", (900, 700), "JPEG"),
        ("L", (40, 900), "PNG"),
    ],
    ids=["a noisy photo", "a small signature", "four inks", "a strip"],
)
def test_a_stamped_copy_is_a_jpeg_of_at_most_five_megabytes_with_room_for_its_words(
    mode: str, size: tuple[int, int], kind: str
) -> None:
    made = stamp(
        picture(mode, size, kind), f"image/{kind.lower()}", ["22 Nov 2026, 14:30:00", "SHA-256 " + "0" * 64]
    )
    assert made is not None
    assert len(made) <= MOST_BYTES
    with Image.open(io.BytesIO(made)) as copy:
        assert copy.format == "JPEG"
        assert copy.width >= 480
        assert copy.height / copy.width > size[1] / max(size[0], 480)


def test_the_words_are_on_the_copy() -> None:
    plain = picture("RGB", (600, 400), "PNG")
    one, other = (
        stamp(plain, "image/png", [words]) for words in ("22 Nov 2026, 14:30:00", "22 Nov 2026, 14:30:01")
    )
    assert one != other


def test_what_is_no_picture_is_not_stamped() -> None:
    assert stamp(b"\xff\xd8\xff" + b"nothing" * 40, "image/jpeg", ["x"]) is None


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"kind": "report", "reason": "retake"}, "New photo, as the office asked"),
        (
            {"kind": "report", "reason": "retake", "data": {"gone": True}},
            "No new photo, as the office asked: the parcel is gone",
        ),
        ({"kind": "report", "reason": "damage", "data": {"gone": True}}, "Damaged"),
        ({"kind": "attempt", "reason": "a_new_reason"}, "a new reason"),
        ({"kind": "collect"}, ""),
    ],
)
def test_a_reason_is_printed_in_words(payload: dict[str, object], said: str) -> None:
    assert words.reason(payload) == said
