"""The folder of a backup and the page that says what is in it; without that page nothing of it counts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from sync.protocol.problems import Problem
from webapp.store.backup import BLOB_LIST, Copied, Held, LetGo, Table

FORMAT = 1
PAGE = "manifest.json"
BLOBS = "blobs"
KEY = "server-key.pem"
_NAME = re.compile(r"(\d{6})-\d{8}T\d{6}Z")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a backup with what it must be."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one backup holds. `lacking` are blobs that the database says are held and that are not in the backup.

    `let_go` are not in it either: the shop deleted them on purpose after the database was copied.
    """

    baton: str
    taken_at: str
    copied: Copied
    files: tuple[File, ...]
    blobs: int
    blob_bytes: int
    lacking: tuple[Held, ...]
    let_go: tuple[LetGo, ...] = ()

    def rows(self, table: str) -> int:
        """How many rows a table had."""
        return next((each.rows for each in self.copied.tables if each.name == table), 0)


def snapshots(folder: Path) -> tuple[list[Path], list[Path]]:
    """The backups below a folder in the order they were made: those that were finished, and those that were not."""
    found = sorted(path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))
    return [p for p in found if (p / PAGE).exists()], [p for p in found if not (p / PAGE).exists()]


def next_name(folder: Path, stamp: str) -> str:
    """A name that sorts after all others, whatever the clock says. `stamp` is for people."""
    numbers = [int(found[1]) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]
    return f"{max(numbers, default=0) + 1:06d}-{stamp}"


def is_ours(name: str) -> bool:
    """Whether a folder of backups may contain this."""
    return name in {BLOBS, "lost+found"} or name.startswith(".") or bool(_NAME.fullmatch(name))


def write(manifest: Manifest) -> bytes:
    """The page: JSON for people and programs, with a digest of itself."""
    body: dict[str, Any] = {"format": FORMAT, **asdict(manifest)}
    body["lacking"] = [held._asdict() for held in manifest.lacking]
    body["let_go"] = [gone._asdict() for gone in manifest.let_go]
    return json.dumps({**body, "sha256": _digest(body)}, indent=1).encode() + b"\n"


def read(snapshot: Path) -> Manifest:
    """The page of one backup. Problems `backup-newer`, `backup-damaged`."""
    try:
        body = json.loads((snapshot / PAGE).read_bytes())
        _refuse_newer(snapshot, body)
        promised = body.pop("sha256")
        if promised == _digest(body):
            return _manifest(body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(snapshot, [f"{PAGE} cannot be read ({error})"]) from error
    raise damaged(snapshot, [f"{PAGE} is changed"])


def _refuse_newer(snapshot: Path, body: dict[str, Any]) -> None:
    if int(body["format"]) > FORMAT:
        raise Problem(
            "backup-newer",
            f"{snapshot.name} was made by Baton {body.get('baton')}: install that one or newer.",
        )


def damaged(snapshot: Path, what: Sequence[str]) -> Problem:
    """The refusal that names what is wrong with a backup."""
    more = f", and {len(what) - 5} more" if len(what) > 5 else ""
    return Problem(
        "backup-damaged",
        f"{snapshot.name} is not what was written: {'; '.join(what[:5])}{more}. Nothing was restored."
        " Choose an older one with --snapshot, or another copy of the folder.",
        damaged=list(what),
    )


def blob_key(held: Held) -> str:
    """Where a blob lies below the folder's `blobs`."""
    return f"{held.org_id}/{held.sha256[:2]}/{held.sha256}"


def _manifest(body: dict[str, Any]) -> Manifest:
    copied = body["copied"]
    tables = tuple(Table(_plain(t["name"]), int(t["rows"]), _plains(t["columns"])) for t in copied["tables"])
    files = tuple(File(_plain(f["name"]), int(f["size"]), str(f["sha256"])) for f in body["files"])
    if not {BLOB_LIST, KEY, *copied["files"]} <= {file.name for file in files}:
        raise ValueError("it does not name all files")
    return Manifest(
        baton=str(body["baton"]),
        taken_at=str(body["taken_at"]),
        copied=Copied(
            kind=str(copied["kind"]),
            revision=str(copied["revision"]),
            epoch=str(copied["epoch"]),
            epochs_before=tuple(map(str, copied["epochs_before"])),
            tables=tables,
            files=_plains(copied["files"]),
        ),
        files=files,
        blobs=int(body["blobs"]),
        blob_bytes=int(body["blob_bytes"]),
        lacking=tuple(Held(h["org_id"], h["sha256"], int(h["size"])) for h in body["lacking"]),
        let_go=tuple(LetGo(**gone) for gone in body.get("let_go", ())),
    )


def _plains(names: object) -> tuple[str, ...]:
    return tuple(_plain(name) for name in cast("list[object]", names))


def _plain(name: object) -> str:
    # It becomes a path or a part of a statement.
    if not isinstance(name, str) or not _PLAIN.fullmatch(name):
        raise ValueError(f"{name!r} is no name")
    return name


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
