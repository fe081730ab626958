"""Objects in an S3-compatible store: one object each, never overwritten, safe from any number of processes."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sync.protocol.problems import Problem
from webapp.store.blobs.port import Missing, Stored

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_THERE = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_NO_CONDITIONS = frozenset({"501", "NotImplemented"})
_FULL = frozenset({"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "EntityTooLarge"})


class S3Objects:
    """Objects below `prefix` of a bucket. Keys, region and token come from the usual AWS_* settings.

    A put is one conditional PutObject (`If-None-Match: *`) with a Content-MD5: the store answers only when the
    whole object is durable, and an object that is there stays as it is.
    """

    def __init__(self, bucket: str, prefix: str = "", endpoint: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client: Any = boto3.session.Session().client(
            "s3", endpoint_url=endpoint, config=_config(endpoint)
        )

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        # Unlike boto's own newer checksums, every store of this kind understands this one.
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        wanted = {"Body": data, "ContentMD5": base64.b64encode(digest).decode()}
        with _as_problem():
            try:
                self._client.put_object(**self._at(key), **wanted, IfNoneMatch="*")
            except ClientError as error:
                code = _code(error)
                if code in _NO_CONDITIONS:
                    self._client.put_object(**self._at(key), **wanted)
                elif code not in _THERE or self.stat(key) is None:
                    # A conflict with a writer whose object is not there (yet): ours is not kept either.
                    raise

    def open(self, key: str) -> BinaryIO:
        with _as_problem():
            try:
                # Read here, where a line that breaks is still a problem with a name; nothing kept is large.
                return io.BytesIO(self._client.get_object(**self._at(key))["Body"].read())
            except ClientError as error:
                if _code(error) in _ABSENT:
                    raise Missing(key) from error
                raise

    def stat(self, key: str) -> Stored | None:
        with _as_problem():
            try:
                found = self._client.head_object(**self._at(key))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return Stored(key, found["ContentLength"], found["LastModified"])

    def delete(self, key: str) -> None:
        with _as_problem():
            self._client.delete_object(**self._at(key))

    def walk(self, prefix: str) -> Iterator[Stored]:
        with _as_problem():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    yield Stored(key, item["Size"], item["LastModified"])

    def tidy(self, before: datetime) -> int:
        return 0

    def check(self) -> None:
        with _as_problem():
            self._client.head_bucket(Bucket=self._bucket)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}


def _config(endpoint: str | None) -> Config:
    return Config(
        signature_version="s3v4",
        # A store at an address of its own seldom has a name for each bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
        # Newer defaults send headers that other stores than Amazon's refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 4},
        max_pool_connections=32,
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in _FULL:
            raise Problem(
                "storage-full", "The photo store has no room left; nothing of this was kept."
            ) from error
        raise Problem(
            "busy", f"The photo store refuses ({_code(error)}); send the same again later."
        ) from error
    except BotoCoreError as error:
        raise Problem("busy", "The photo store cannot be reached; send the same again later.") from error
