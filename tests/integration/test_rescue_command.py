"""`baton rescue FILE`, as a tool calls it: a batch's results, an exit code, the same for the same file again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from tests.support.desk import picture, reference
from tests.support.installation import make_settings, running_app
from tests.support.rescue import digest, rescue_file
from tests.support.server import BATON, Server
from tests.support.shop import ApiPhone, make_parcels, make_user
from tests.unit.phones import proof
from webapp import clock
from webapp.services.found_shop import found_shop
from webapp.store.queries import people
from webapp.store.unit import reading


def test_the_command_tells_a_batchs_results(make_server: Callable[..., Server]) -> None:
    place = make_server()
    with running_app(make_settings(place.data)) as app:
        found_shop(clock.now())
        with reading() as session:
            org_id = people.only_shop(session).id
        phone = ApiPhone(app.test_client(), org_id, make_user(org_id, active=True))
        [code] = make_parcels(org_id, 1)
        photo = picture("of the command", (300, 400))
        line = phone.seal("collect", [code], **{**proof(), "blobs": [reference(photo)]})
        file = place.data.parent / "phone.baton"
        file.write_bytes(rescue_file(phone.device, [line, "no record"], [photo]))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BATON), *arguments],
            env=place.environ,
            cwd=place.data.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = run("rescue", str(file), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [result["status"] for result in told["results"]] == ["applied", "quarantined"]
    assert told["results"][0]["effects"][0]["status"] == "handed_over"
    assert told["results"][1]["problem"]["code"] == "event_malformed"
    assert [(blob["sha256"], blob["status"]) for blob in told["blobs"]] == [(digest(photo), "kept")]
    assert (told["troubles"], told["missing_blobs"]) == ([], [])

    again = run("rescue", str(file))
    assert again.returncode == 0
    assert "0 came in, 1 were here already, 1 are held in quarantine" in again.stdout

    held = json.loads(run("quarantine", "--json").stdout)["quarantine"]
    assert [(row["code"], row["outcome"], row["event"]) for row in held] == [("event_malformed", None, None)]
    assert run("rebuild", "--check").returncode == 0

    file.write_bytes(b"hello")
    refused = run("rescue", str(file), "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "rescue-unreadable")
    assert run("rescue", str(file) + ".nowhere").returncode == 2
