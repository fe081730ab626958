"""Where photograph bytes are kept: a folder beside the database by default, any S3-compatible store by setting."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote, urlsplit

from webapp.extensions import of_app
from webapp.settings import Settings
from webapp.store.blobs.folder import FolderObjects
from webapp.store.blobs.port import Missing, Objects, Stored
from webapp.store.blobs.store import BlobStore, HeldBlob

__all__ = ["BlobStore", "FolderObjects", "HeldBlob", "Missing", "Objects", "Stored", "current", "open_store"]

EXTENSION = "baton-blobs"


def open_store(settings: Settings) -> BlobStore:
    """The store that `settings.blobs` names: `file:///folder` or `s3://bucket/prefix`. Makes the folder."""
    address = urlsplit(settings.blobs)
    if address.scheme == "s3":
        # An optional part of the installation ([scale]): only who uses it needs its library.
        from webapp.store.blobs.s3 import S3Objects  # noqa: PLC0415

        return BlobStore(S3Objects(address.netloc, address.path.strip("/"), settings.s3_endpoint))
    return BlobStore(FolderObjects(unquote(address.path)))


def current() -> BlobStore:
    """The running app's store."""
    return cast(BlobStore, of_app(EXTENSION))
