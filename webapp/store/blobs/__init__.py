"""Where photograph bytes are kept: a folder beside the database by default, any S3-compatible store by setting."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote, urlsplit

import uuid_utils

from sync.protocol.problems import Problem
from webapp.extensions import of_app
from webapp.settings import Settings, SettingsError
from webapp.store.blobs.folder import FolderObjects, read_mark, write_mark
from webapp.store.blobs.port import Missing, Objects, Stored
from webapp.store.blobs.store import BlobStore, HeldBlob

__all__ = [
    "BlobStore",
    "FolderObjects",
    "HeldBlob",
    "Missing",
    "Objects",
    "Stored",
    "claim_folder",
    "current",
    "folder_of",
    "open_store",
]

EXTENSION = "baton-blobs"


def open_store(settings: Settings, mark: str | None = None) -> BlobStore:
    """The store that `settings.blobs` names: `file:///folder` or `s3://bucket/prefix`. Makes the folder.

    With a `mark` the folder is not made: it has to bear it (`claim_folder`), or all is `busy` until it does.
    Raises SettingsError with one clear line. Whether the store can be reached is asked later (`check`).
    """
    folder = folder_of(settings)
    try:
        if folder is None:
            address = urlsplit(settings.blobs)
            return BlobStore(_s3(address.netloc, address.path.strip("/"), settings.s3_endpoint))
        return BlobStore(FolderObjects(folder, mark))
    except Problem as problem:
        raise SettingsError(f"BATON_BLOBS: {problem.detail}") from problem


def folder_of(settings: Settings) -> str | None:
    """The folder that these settings name; None for a store of another kind."""
    address = urlsplit(settings.blobs)
    return None if address.scheme == "s3" else unquote(address.path)


def claim_folder(settings: Settings) -> str:
    """What the photo folder bears, written into it where there is nothing: an empty folder is taken for a new one.

    Raises SettingsError.
    """
    folder = folder_of(settings) or ""
    try:
        mark = read_mark(folder)
        if mark is None:
            mark = str(uuid_utils.uuid7())
            write_mark(folder, mark)
    except Problem as problem:
        raise SettingsError(f"BATON_BLOBS: {problem.detail}") from problem
    return mark


def _s3(bucket: str, prefix: str, endpoint: str | None) -> Objects:
    # An optional part of the installation: only who uses it needs its library.
    try:
        from webapp.store.blobs.s3 import S3Objects  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError("BATON_BLOBS: s3:// needs more libraries: scripts/setup.sh scale") from error
    try:
        return S3Objects(bucket, prefix, endpoint)
    except ValueError as error:
        raise SettingsError(f"BATON_S3_ENDPOINT: {error}") from error


def current() -> BlobStore:
    """The running app's store."""
    return cast(BlobStore, of_app(EXTENSION))
