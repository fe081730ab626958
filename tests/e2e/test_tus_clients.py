"""The stock tus clients, unmodified, against a running server: upload, resume, and a server that dies between."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import json
import os
import random
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.support.programs import ROOT, find_node
from tests.support.proxy import Fault, Proxy
from tests.support.server import Server
from tests.support.tus import cut, digest, patch_head

if TYPE_CHECKING:
    from tests.support.installation import Databases
    from tests.support.s3 import S3

SCRIPT = Path(__file__).parents[1] / "support" / "upload.mjs"


@dataclass
class Enrolled:
    """A phone of a running server."""

    url: str
    token: str

    @property
    def endpoint(self) -> str:
        return f"{self.url}/sync/v1/blobs"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def missing(self, data: bytes) -> bool:
        request = urllib.request.Request(
            f"{self.endpoint}/want",
            data=json.dumps({"sha256": [digest(data)]}).encode(),
            headers={**self.headers, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(json.load(answer)["missing"])

    def offset(self, location: str) -> int:
        """How far an upload is, by its address."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        connection.request(
            "HEAD", urlsplit(location).path, headers={**self.headers, "Tus-Resumable": "1.0.0"}
        )
        answer = connection.getresponse()
        assert answer.status == 200
        connection.close()
        return int(answer.headers["Upload-Offset"])

    def tuspy(self) -> TusClient:
        return TusClient(f"{self.endpoint}", headers=self.headers)


def enrol(server: Server) -> Enrolled:
    server.baton("user", "add", "--name", "Dewi", "--role", "courier")
    code = json.loads(server.baton("enrol", "--user", "Dewi", "--json"))["code"]
    request = urllib.request.Request(
        f"{server.url}/sync/v1/devices",
        data=json.dumps({"code": code, "jwk": None, "label": "phone", "client": "tests"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return Enrolled(server.url, json.load(answer)["token"])


def held(server: Server, data: bytes) -> bool:
    """Whether exactly these bytes lie in the server's folder under their name."""
    found = list((server.data / "blobs" / "held").glob(f"*/*/{digest(data)}"))
    return len(found) == 1 and found[0].read_bytes() == data


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG of about 700 kB."""
    file = tmp_path / "photo.jpg"
    Image.effect_noise((1280, 960), 90).convert("RGB").save(file, "JPEG", quality=90)
    return file


@pytest.fixture(scope="module")
def phone(server: Server) -> Enrolled:
    return enrol(server)


@pytest.fixture
def bad_network(server: Server) -> Iterator[Proxy]:
    """A bad network in front of it."""
    made = Proxy(server.port)
    yield made
    made.stop()


def tus_js(phone: Enrolled, file: Path, **asked: Any) -> dict[str, Any]:
    """Run tus-js-client; what it has seen."""
    node = find_node()
    assert node is not None
    done = subprocess.run(
        [
            str(node),
            str(SCRIPT),
            json.dumps(
                {
                    "endpoint": phone.endpoint,
                    "token": phone.token,
                    "file": str(file),
                    "type": "image/jpeg",
                    **asked,
                }
            ),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


# --- tus-js-client --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"chunkSize": 100_000},
        {"options": {"uploadDataDuringCreation": True}},
        {"options": {"uploadDataDuringCreation": True}, "chunkSize": 100_000},
        {"options": {"overridePatchMethod": True}, "chunkSize": 300_000},
        {"stream": True, "chunkSize": 100_000},
        {"metadata": {"type": "image/jpeg", "role": "photo"}},
    ],
    ids=["whole", "chunks", "with-creation", "chunks-with-creation", "post-for-patch", "stream", "with-role"],
)
def test_tus_js_client_uploads(server: Server, phone: Enrolled, photo: Path, asked: dict[str, Any]) -> None:
    told = tus_js(phone, photo, **asked)
    assert told["outcome"] == "done", told
    assert told["requests"][0] == ["POST", 201]
    assert held(server, photo.read_bytes())
    assert not phone.missing(photo.read_bytes())


def test_tus_js_client_goes_on_in_another_process(
    server: Server, phone: Enrolled, photo: Path, tmp_path: Path
) -> None:
    kept = {"store": str(tmp_path / "urls.json"), "chunkSize": 100_000}
    first = tus_js(phone, photo, stopAfter=250_000, **kept)
    assert (first["outcome"], first["sent"]) == ("stopped", 300_000)
    assert phone.offset(first["url"]) == 300_000
    server.restart()
    second = tus_js(phone, photo, resume=True, **kept)
    assert (second["outcome"], second["previous"]) == ("done", 1)
    assert second["requests"][0] == ["HEAD", 200]
    assert ["POST", 201] not in second["requests"]
    assert held(server, photo.read_bytes())


def test_what_is_held_is_done_at_once_for_every_client(phone: Enrolled, photo: Path) -> None:
    data = photo.read_bytes()
    with_creation = {"options": {"uploadDataDuringCreation": True}}
    for asked in ({}, with_creation, with_creation, {}, {"chunkSize": 100_000}):
        told = tus_js(phone, photo, **asked)
        assert told["outcome"] == "done", told
        # Those that do not read what a creation answers send one piece more.
        assert len(told["requests"]) <= 2
    uploader = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=100_000, metadata=said(data))
    uploader.upload()
    assert uploader.offset == len(data)


def test_tus_js_client_is_told_why_it_may_not(phone: Enrolled, tmp_path: Path) -> None:
    drawing = tmp_path / "photo.jpg"
    drawing.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    told = tus_js(phone, drawing)
    assert told["outcome"] == "failed"
    assert json.loads(told["error"])["code"] == "media-unsupported"


# --- tuspy ----------------------------------------------------------------------------------------


def said(data: bytes) -> dict[str, str]:
    return {"sha256": digest(data), "filename": "a parcel.jpg", "filetype": "image/jpeg"}


@pytest.mark.parametrize("with_checksums", [False, True])
def test_tuspy_uploads_and_goes_on(
    server: Server, phone: Enrolled, photo: Path, with_checksums: bool
) -> None:
    data = photo.read_bytes()
    first = phone.tuspy().uploader(
        file_stream=io.BytesIO(data), chunk_size=100_000, metadata=said(data), upload_checksum=with_checksums
    )
    first.upload(stop_at=250_000)
    assert first.url.startswith(phone.endpoint)
    server.restart()
    second = phone.tuspy().uploader(
        file_stream=io.BytesIO(data), chunk_size=100_000, url=first.url, upload_checksum=with_checksums
    )
    assert second.offset == 250_000
    assert phone.missing(data)
    second.upload()
    assert held(server, data)
    assert not phone.missing(data)


def test_tuspy_is_refused_what_does_not_have_its_digest(server: Server, phone: Enrolled, photo: Path) -> None:
    data = photo.read_bytes()
    uploader = phone.tuspy().uploader(file_stream=io.BytesIO(data), metadata=said(b"something else"))
    with pytest.raises(TusUploadFailed) as refused:
        uploader.upload()
    assert refused.value.status_code == 460
    assert not list((server.data / "blobs" / "held").rglob("*.*"))


def test_tuspy_works_through_a_proxy_of_another_name(
    server: Server, bad_network: Proxy, phone: Enrolled, photo: Path
) -> None:
    data = photo.read_bytes()
    behind = Enrolled(bad_network.url.replace("127.0.0.1", "localhost"), phone.token)
    uploader = behind.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, metadata=said(data))
    uploader.upload()
    assert uploader.url.startswith(behind.endpoint)
    assert held(server, data)


# --- a line that is cut ---------------------------------------------------------------------------


@pytest.mark.parametrize("rudely", [False, True], ids=["closed", "reset"])
def test_what_came_of_a_piece_before_its_line_was_cut_is_kept(
    server: Server, phone: Enrolled, photo: Path, *, rudely: bool
) -> None:
    data = photo.read_bytes()
    uploader = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, metadata=said(data))
    uploader.upload_chunk()
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(patch_head(phone.token, uploader.url, 200_000, len(data)) + data[200_000:350_000])
    time.sleep(2)  # on its way; a reset takes away what was not read
    cut(connection, rudely=rudely)
    end = time.monotonic() + 20
    while (offset := phone.offset(uploader.url)) < 350_000:
        assert time.monotonic() < end, offset
    phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, url=uploader.url).upload()
    assert held(server, data)


def test_of_a_piece_with_a_checksum_nothing_is_kept_when_it_is_cut(
    server: Server, phone: Enrolled, photo: Path
) -> None:
    data = photo.read_bytes()
    uploader = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, metadata=said(data))
    uploader.upload_chunk()
    checksum = base64.b64encode(hashlib.sha256(data[200_000:]).digest()).decode()
    head = patch_head(phone.token, uploader.url, 200_000, len(data), Upload_Checksum=f"sha256 {checksum}")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + data[200_000:350_000])
        time.sleep(0.5)
    time.sleep(0.5)
    assert phone.offset(uploader.url) == 200_000


# --- a server that dies ---------------------------------------------------------------------------


def test_a_server_killed_in_the_middle_of_a_patch_has_what_it_said(
    server: Server, phone: Enrolled, photo: Path
) -> None:
    data = photo.read_bytes()
    uploader = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, metadata=said(data))
    uploader.upload_chunk()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(patch_head(phone.token, uploader.url, 200_000, len(data)) + data[200_000:400_000])
        server.kill()
    server.start()
    assert phone.offset(uploader.url) == 200_000
    again = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=200_000, url=uploader.url)
    again.upload()
    assert held(server, data)


def test_a_dead_request_does_not_hold_an_upload_up(
    server: Server, bad_network: Proxy, phone: Enrolled, photo: Path
) -> None:
    data = photo.read_bytes()
    behind = Enrolled(bad_network.url, phone.token)
    uploader = behind.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=100_000, metadata=said(data))
    uploader.upload_chunk()
    bad_network.fault = Fault.STALL
    hung = threading.Thread(target=_try, args=(uploader.upload_chunk,), daemon=True)
    hung.start()
    time.sleep(0.2)
    # The phone has found another network; the old request still hangs.
    direct = phone.tuspy().uploader(
        file_stream=io.BytesIO(data), chunk_size=300_000, url=phone.url + urlsplit(uploader.url).path
    )
    assert direct.offset == 100_000
    direct.upload()
    assert held(server, data)
    bad_network.fault = Fault.DROP
    hung.join(30)
    assert not phone.missing(data)


def test_a_server_killed_again_and_again_loses_no_byte_it_has_counted(
    server: Server, phone: Enrolled, photo: Path
) -> None:
    data = photo.read_bytes()
    client = phone.tuspy()
    uploader = client.uploader(file_stream=io.BytesIO(data), chunk_size=9_000, metadata=said(data))
    uploader.upload_chunk()
    counted = uploader.offset
    dice = random.Random(20261122)
    for _ in range(4):
        sending = threading.Thread(target=_try, args=(uploader.upload,))
        sending.start()
        time.sleep(dice.uniform(0.02, 0.25))
        server.kill()
        sending.join(30)
        counted = max(counted, uploader.offset)
        server.start()
        uploader = client.uploader(file_stream=io.BytesIO(data), chunk_size=9_000, url=uploader.url)
        assert uploader.offset >= counted
    uploader.upload()
    assert held(server, data)


def _try(act: Callable[[], object]) -> None:
    # The server is gone: that is what the test is about.
    with contextlib.suppress(TusCommunicationError, TusUploadFailed, OSError):
        act()


# --- several processes, photos in S3 --------------------------------------------------------------


def test_an_upload_begun_at_one_process_ends_at_another(
    make_server: Callable[..., Server], s3: S3, postgresql_databases: Databases, photo: Path
) -> None:
    data = photo.read_bytes()
    shared = {
        **s3.environ,
        "BATON_DATABASE_URL": postgresql_databases.migrated(),
        "BATON_BLOBS": f"s3://{s3.bucket}/two-processes-{os.getpid()}",
        "BATON_SECRET_KEY": "the same for both",
    }
    one, two = make_server(**shared), make_server(**shared)
    one.start()
    two.start()
    phone = enrol(one)
    first = phone.tuspy().uploader(file_stream=io.BytesIO(data), chunk_size=100_000, metadata=said(data))
    first.upload(stop_at=300_000)
    one.kill()
    elsewhere = Enrolled(two.url, phone.token)
    second = elsewhere.tuspy().uploader(
        file_stream=io.BytesIO(data), chunk_size=100_000, url=two.url + urlsplit(first.url).path
    )
    assert second.offset == 300_000
    second.upload()
    one.start()
    assert not phone.missing(data)
    assert not elsewhere.missing(data)
    assert tus_js(elsewhere, photo)["outcome"] == "done"
