"""Where photograph bytes are kept: a folder beside the database by default, any S3-compatible store by setting."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote, urlsplit

from sync.protocol.problems import Problem
from webapp.extensions import of_app
from webapp.settings import Settings, SettingsError
from webapp.store.blobs.folder import FolderObjects
from webapp.store.blobs.port import Missing, Objects, Stored
from webapp.store.blobs.store import BlobStore, HeldBlob

__all__ = ["BlobStore", "FolderObjects", "HeldBlob", "Missing", "Objects", "Stored", "current", "open_store"]

EXTENSION = "baton-blobs"


def open_store(settings: Settings) -> BlobStore:
    """The store that `settings.blobs` names: `file:///folder` or `s3://bucket/prefix`. Makes the folder.

    Raises SettingsError with one clear line. Whether an S3 store can be reached is asked later (`check`).
    """
    address = urlsplit(settings.blobs)
    try:
        if address.scheme == "s3":
            return BlobStore(_s3(address.netloc, address.path.strip("/"), settings.s3_endpoint))
        return BlobStore(FolderObjects(unquote(address.path)))
    except Problem as problem:
        raise SettingsError(f"BATON_BLOBS: {problem.detail}") from problem


def _s3(bucket: str, prefix: str, endpoint: str | None) -> Objects:
    # An optional part of the installation: only who uses it needs its library.
    try:
        from webapp.store.blobs.s3 import S3Objects  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError("BATON_BLOBS: s3:// needs more libraries: pip install 'baton[scale]'") from error
    try:
        return S3Objects(bucket, prefix, endpoint)
    except ValueError as error:
        raise SettingsError(f"BATON_S3_ENDPOINT: {error}") from error


def current() -> BlobStore:
    """The running app's store."""
    return cast(BlobStore, of_app(EXTENSION))
