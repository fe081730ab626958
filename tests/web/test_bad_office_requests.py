"""The office against a stranger, a seller, forged forms, poisoned names and guessing; the import against bad files."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support import hostile
from tests.support.desk import PASSWORD, hand_over, make_desk_user, post, sign_in, signed_in, token
from tests.support.exports import as_csv, ready, row, write_workbook, write_xlsx
from tests.support.hostile import World
from tests.support.installation import Databases
from tests.support.shop import make_parcels, make_run, make_user
from tests.support.theirs import their_case, their_notice, their_product, their_quarantine
from webapp import clock
from webapp.services.labels.check_label import check_text
from webapp.settings import Settings
from webapp.store.models import (
    BlobRef,
    Carrier,
    ImportFile,
    Order,
    Place,
    Run,
)
from webapp.store.unit import reading, transaction

XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases
) -> Iterator[tuple[Flask, Settings]]:
    with hostile.lasting_app(tmp_path_factory.mktemp("hostile"), sqlite_databases) as made:
        yield made


@pytest.fixture
def world(house: tuple[Flask, Settings]) -> World:
    return World(*house)


# --- other people's things ------------------------------------------------------------------------


@dataclass
class Theirs:
    """One of everything in the other shop, by the name that addresses give it."""

    ids: dict[str, str]


def everything_of(world: World, shop: str) -> Theirs:
    now = clock.now()
    codes = make_parcels(shop, 2, seed=77, seller="North")
    event = hand_over(world.stranger, shop, codes[:1])
    with transaction() as session:
        session.add(Place(org_id=shop, id="their-place", name="Their place", kind="pickup"))
        session.add(Carrier(org_id=shop, code="their-carrier", name="Theirs", names=[]))
        session.add(
            Order(org_id=shop, order_id="576460752303423488", platform_status="x", seen_at=now, digest="")
        )
        session.add(
            ImportFile(
                org_id=shop, id="their-file", name="theirs.csv", sha256="0" * 64, made_by="x",
                state="done", counts={}, rejected=[], created_at=now,
            )
        )  # fmt: skip
    with reading() as session:
        sha256 = session.execute(select(BlobRef.sha256).where(BlobRef.org_id == shop)).scalars().first()
    person = make_user(shop, "courier", "Their courier")
    ids = {
        "code": codes[0], "order_id": "576460752303423488", "event_id": event, "sha256": sha256 or "",
        "run_id": make_run(shop, person, codes[1:]), "user_id": person, "device_id": world.stranger.device,
        "place_id": "their-place", "file_id": "their-file", "ref": "0" * 32,
        "carrier": "their-carrier", "item": their_quarantine(world), "rescue_id": "their-rescue",
        "case_id": their_case(shop, codes[0]), "check_id": check_text(shop, person, codes[0], "A label", now),
        "notice_id": their_notice(shop), "sku_id": their_product(shop), "rule": "their-rule",
        "position": "1", "number": "1",
    }  # fmt: skip
    return Theirs(ids)


def addresses(app: Flask, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(method, address) of every route of the office that takes an id, built with these ids."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/office/") or "<" not in rule.rule or "filename" in rule.arguments:
            continue
        values = {name: ids[name] for name in rule.arguments}
        if rule.rule.startswith("/office/carriers/"):
            values = {"code": ids["carrier"]}
        address = re.sub(r"<(?:[^:>]*:)?([^>]*)>", lambda found: values[found[1]], rule.rule)  # noqa: B023
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, address


@pytest.mark.parametrize("role", ["office", "admin", "seller"])
def test_nothing_of_another_shop_is_reached_by_its_ids_on_any_address(world: World, role: str) -> None:
    theirs = everything_of(world, world.other_shop)
    members = {"seller": "North"} if role == "seller" else {}
    desk = signed_in(world.app, make_desk_user(world.shop, role, f"{role.title()} Person", **members))
    nobodys = {name: "0" * len(value) for name, value in theirs.ids.items()}
    csrf, before, reached, count = token(desk), world.rows(), [], 0
    asked = zip(addresses(world.app, theirs.ids), addresses(world.app, nobodys), strict=True)
    for (method, address), (_, nothing) in asked:
        form = {"csrf_token": csrf, "codes": theirs.ids["code"], "verdict": "accept", "role": "courier"}
        statuses = [
            desk.open(path, method=method, data=form if method == "POST" else None).status_code
            for path in (address, nothing)
        ]
        count += 1
        # A form that lacks a field may say so first, if it says the same of what nobody has.
        if statuses[0] not in {403, 404} and (statuses[0] != 422 or statuses[1] != 422):
            reached.append(f"{method} {address}: {statuses}")
    assert reached == []
    assert count > 30
    assert world.grown(before) == {}
    world.assert_healthy()


def test_a_seller_reaches_nothing_of_another_seller(world: World) -> None:
    [own] = make_parcels(world.shop, 1, seed=11, seller="South")
    [code] = make_parcels(world.shop, 1, seed=12, seller="North")
    event = hand_over(world.phone, world.shop, [code])
    with reading() as session:
        refs = session.execute(select(BlobRef.sha256).where(BlobRef.event_id == event)).scalars().all()
    run = make_run(world.shop, world.phone.actor, [code])
    seller = signed_in(world.app, make_desk_user(world.shop, "seller", "Siti Seller", seller="South"))
    assert seller.get(f"/office/parcels/{own}").status_code == 200
    paths = [
        f"/office/parcels/{code}",
        f"/office/parcels/{code}/body",
        f"/office/tags/{code}.png",
        f"/office/review/{event}",
    ]
    paths += [
        f"/office/runs/{run}",
        f"/office/runs/{run}/sheet",
        *(f"/office/photos/{sha256}" for sha256 in refs),
    ]
    assert {
        path: seller.get(path).status_code for path in paths if seller.get(path).status_code not in {403, 404}
    } == {}
    assert code not in seller.get("/office/parcels").text
    assert code not in seller.get(f"/office/tags/print?codes={code}").text


def test_every_form_needs_its_token(world: World) -> None:
    admin = signed_in(world.app, make_desk_user(world.shop, "admin", "Ada Admin"))
    before = world.rows()
    forms = [
        re.sub(r"<[^>]*>", "x", re.sub(r"<int:[^>]*>", "1", rule.rule))
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/office/") and "POST" in (rule.methods or ())
    ]
    assert len(forms) > 20
    tried = [(path, form) for path in forms for form in ({}, {"csrf_token": "forged"})]
    assert [path for path, form in tried if admin.post(path, data=form).status_code != 400] == []
    assert world.grown(before) == {}


# --- words that would be markup -------------------------------------------------------------------


def test_poisoned_words_are_shown_as_words(world: World) -> None:
    [code] = make_parcels(world.shop, 1, seed=21, seller=XSS, tracking_number=XSS.upper().replace(" ", ""))
    with transaction() as session:
        session.add(Place(org_id=world.shop, id="p", name=XSS, kind="pickup", address=XSS))
        session.add(Carrier(org_id=world.shop, code="c", name=XSS, names=[XSS]))
    event = hand_over(
        world.phone, world.shop, [code], note=XSS, reason=XSS, carrier=XSS, run=XSS,
        counterpart={"name": XSS, "role": "seller"}, data={"x": XSS},
    )  # fmt: skip
    world.phone.send(world.phone.seal("collect", [XSS], counterpart={"name": XSS, "role": "other"}))
    make_user(world.shop, "courier", XSS)
    poisoned = world.phone.payload("collect", [XSS], note=XSS, counterpart={"name": XSS}) | {"kind": XSS}
    held = world.phone.send(world.phone.seal_payload(poisoned))["results"][0]["sha256"]
    run = make_run(world.shop, world.phone.actor, [code])
    with transaction() as session:
        session.get_one(Run, (world.shop, run)).title = XSS
    admin = signed_in(world.app, make_desk_user(world.shop, "admin", f"Ada {XSS}"))
    pages = [
        "",
        "parcels",
        f"parcels/{code}",
        "review",
        f"review/{event}",
        "runs",
        "phones",
        "people",
        "places",
        "quarantine",
        f"quarantine/{held}",
        "rescue",
        "phones/unsent",
    ]
    pages += ["prepare", "tags", "orders", f"parcels?q={XSS}", f"orders?q={XSS}", "runs/new", "phones/enrol"]
    seen = 0
    for page in pages:
        answer = admin.get(f"/office/{page}")
        assert answer.status_code == 200, page
        assert "<img src=x" not in answer.text.lower(), page
        assert "<imgsrc=x" not in answer.text.lower(), page
        seen += "&lt;img src=x" in answer.text
    assert seen >= 8, "they were there to be seen"


# --- the door -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "https://evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%09/evil.example",
    ],
)
def test_the_door_leads_to_no_other_site(world: World, where: str) -> None:
    email = f"a{world.shop[-8:]}@example.com"
    make_desk_user(world.shop, email=email)
    client = world.app.test_client()
    status, location = sign_in(client, email, PASSWORD, f"?next={where}")
    assert status in {200, 302}
    led_to = urlsplit(urljoin("http://localhost/office/sign-in", location))
    assert (led_to.scheme, led_to.netloc, "\\" in location) == ("http", "localhost", False)


def test_a_courier_does_not_get_in(world: World) -> None:
    make_desk_user(world.shop, "courier", "Budi", email=f"b{world.shop[-8:]}@example.com")
    client = world.app.test_client()
    sign_in(client, f"b{world.shop[-8:]}@example.com", PASSWORD)
    assert client.get("/office/parcels").status_code in {302, 403}


# --- files to import ------------------------------------------------------------------------------

HEAD = as_csv([])


def workbook(folder: Path, **extra: bytes) -> bytes:
    return write_workbook(folder / "x.xlsx", "", extra=extra).read_bytes()


def bomb(folder: Path) -> bytes:
    """300 MB of zeros in 300 kB."""
    return workbook(folder, **{"xl/media/a": bytes(300 << 20)})


def entity(folder: Path) -> bytes:
    """A sheet that asks for a file of the server's."""
    sheet = (
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet xmlns='
        '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row></sheetData></worksheet>'
    )
    source, out = io.BytesIO(workbook(folder)), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if "sheet1" in name else old.read(name))
    return out.getvalue()


BAD_FILES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a zip bomb for a workbook": (bomb, "The workbook cannot be read"),
    "a workbook with an external entity": (entity, "The workbook cannot be read"),
    "a workbook cut off": (lambda f: workbook(f)[:300], "The workbook cannot be read"),
    "a zip that is no workbook": (lambda _: b"PK\x03\x04" + b"x" * 500, "The workbook cannot be read"),
    "UTF-16": (lambda _: as_csv([row(1)]).encode("utf-16"), "The text is not UTF-8"),
    "Windows-1252": (lambda _: as_csv([row(1, product="caf\u00e9")]).encode("cp1252"), "The text is not UTF-8"),
    "zero bytes": (lambda _: (HEAD + "a\0b\r\n").encode(), "The text is not UTF-8"),
    "no rows": (lambda _: HEAD.encode(), "There is nothing in the file"),
    "missing columns": (lambda _: b"Order ID,Quantity\r\n576460752303423488,1\r\n", "Columns are missing"),
    "100,000 columns": (lambda _: (HEAD + "x," * 100_000 + "\r\n").encode(), "This is not a file that can be read"),
    "a quote of 20 MB that never ends": (
        lambda _: (HEAD + '"' + "x" * (20 << 20)).encode(),
        "This is not a file that can be read",
    ),
    "a PDF": (lambda _: b"%PDF-1.7 x", "This is not a file that can be read"),
    "HTML": (lambda _: b"<html><script>alert(1)</script>", "This is not a file that can be read"),
}  # fmt: skip


def upload(client: FlaskClient, data: bytes, name: str = "orders.csv") -> str:
    """The page that tells what became of a file."""
    form = {"csrf_token": token(client), "file": (io.BytesIO(data), name)}
    answer = client.post("/office/import", data=form, content_type="multipart/form-data")
    if answer.status_code != 303:
        return answer.text
    where = answer.headers["Location"]
    file_id = where.rpartition("/")[2]
    with reading() as session:
        file = session.execute(select(ImportFile).where(ImportFile.id == file_id)).scalar_one()
    if file.state == "reading":  # a large one is left to the clockwork
        from webapp.services.importing import apply

        apply.run_import(file.org_id, file_id)
    return client.get(where).text


# The test client leaves its own copy of a large body to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_words_and_nothing_is_imported(
    world: World, tmp_path: Path, name: str
) -> None:
    make, title = BAD_FILES[name]
    office = signed_in(world.app, make_desk_user(world.shop))
    data, before = make(tmp_path), world.rows()
    page = upload(office, data, "../../../etc/orders.csv")
    assert title in page
    assert "../" not in re.sub(r'(?:href|src)="[^"]*"', "", page)
    grown = world.grown(before)
    assert {name: n for name, n in grown.items() if name not in {"import_files", "files"}} == {}
    world.assert_healthy()


BAD_ROWS: dict[str, tuple[dict[str, str], str]] = {
    "an id as a spreadsheet spells it": ({"order_id": "5.76E+17"}, "id_scientific"),
    "a formula for an id": ({"order_id": '=HYPERLINK("http://evil.example","x")'}, "id_invalid"),
    "a formula for a quantity": ({"quantity": "=1+1"}, "quantity_invalid"),
    "a command for an amount": ({"amount": "=cmd|' /C calc'!A0"}, "amount_invalid"),
    "a tracking number of 100 letters": ({"tracking": "x" * 100}, "id_invalid"),
    "a year 9999": ({"created_at": "31/12/9999 25:00:00"}, "date_invalid"),
    "markup for an id": ({"order_id": XSS}, "id_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_escaped_and_made_harmless(world: World, name: str) -> None:
    members, code = BAD_ROWS[name]
    office = signed_in(world.app, make_desk_user(world.shop))
    page = upload(office, as_csv([ready(1), ready(2, **members)]).encode())
    assert "<img src=x" not in page
    found = re.search(r"/office/import/([0-9a-f-]{36})", page)
    assert found
    rows = office.get(f"/office/import/{found[1]}/bad-rows.csv").text
    assert f",{code}," in rows, rows
    assert not re.search(r'(?:^|,)"?[=+@-]', rows, re.MULTILINE), "no cell is a formula"
    post(office, f"/office/import/{found[1]}/apply")
    with reading() as session:
        assert len(session.execute(select(Order).where(Order.org_id == world.shop)).all()) == 1, (
            "the good one"
        )
    world.assert_healthy()


def test_an_id_that_a_workbook_keeps_as_a_number_is_refused(world: World, tmp_path: Path) -> None:
    file = write_xlsx(tmp_path / "n.xlsx", [ready(1), {**ready(2), "order_id": 5.76460752303423e17}])
    page = upload(signed_in(world.app, make_desk_user(world.shop)), file.read_bytes(), "orders.csv")
    assert "its last digits are gone" in page
