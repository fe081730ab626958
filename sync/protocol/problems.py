"""The one catalogue of refusals: a stable code, its title and its HTTP status.

Codes with hyphens refuse a whole request and travel as RFC 9457 problem documents
(`type` = `urn:baton:problem:<code>`). Codes with underscores are findings on one event, of the same
family as the anomalies: they are the `problem` of a `quarantined` or `retry` result and the reason
in the quarantine; their status is only used when such an event is all that a request was about.
"""

from __future__ import annotations

from typing import Any

PROBLEM_TYPE = "urn:baton:problem:"

CATALOGUE: dict[str, tuple[str, int]] = {
    # -- sync: the whole request
    "malformed-batch": ("The batch cannot be read", 400),
    "token-unknown": ("This phone is not known here", 401),
    "device-revoked": ("This phone was revoked", 403),
    "batch-too-large": ("The batch is too large", 413),
    "encoding-unsupported": ("This content encoding is not supported", 415),
    "client-too-old": ("This version of the app is too old to send", 426),
    "slow-down": ("Too many requests, send later", 429),
    "busy": ("The server is busy, send later", 503),
    "server-fault": ("The server made a mistake", 500),
    "storage-full": ("The server has no room left, send later", 507),
    # -- enrolment
    "enrolment-unknown": ("No such enrolment code", 404),
    "enrolment-used": ("This enrolment code was already used", 409),
    "enrolment-expired": ("This enrolment code has expired", 410),
    "key-invalid": ("The key is not a P-256 public key", 422),
    # -- blobs (tus 1.0.0; 460 is its own status for a checksum that does not fit)
    "tus-version-unsupported": ("This version of tus is not spoken here", 412),
    "upload-unknown": ("No such upload", 404),
    "upload-expired": ("The upload has expired, begin it again", 410),
    "upload-fragmented": ("The upload came in too many pieces, begin it again", 413),
    "offset-conflict": ("The upload is at another offset", 409),
    "offset-invalid": ("The request does not say at which offset its bytes begin", 400),
    "length-invalid": ("The request does not say how long the upload is", 400),
    "metadata-missing": ("The upload does not say its SHA-256", 400),
    "metadata-malformed": ("The upload's metadata cannot be read", 400),
    "chunk-type-invalid": ("Bytes of an upload are application/offset+octet-stream", 415),
    "checksum-invalid": ("The checksum cannot be read", 400),
    "checksum-mismatch": ("The bytes arrived changed, send them again", 460),
    "digest-mismatch": ("The upload is not what its SHA-256 promised", 460),
    "blob-too-large": ("The upload is too large", 413),
    "media-unsupported": ("Only JPEG, PNG and WebP pictures are taken", 415),
    "picture-broken": ("The picture cannot be read", 422),
    "picture-too-large": ("The picture has too many pixels", 422),
    # -- anything with an address or a body
    "not-found": ("There is nothing here", 404),
    "forbidden": ("You may not do this", 403),
    "method-not-allowed": ("This address does not take that method", 405),
    "body-invalid": ("The request cannot be read", 400),
    "field-invalid": ("A field has a wrong value", 422),
    "conflict": ("It was changed meanwhile", 409),
    "photo-deleted": ("The picture was deleted on purpose", 410),
    # -- the office's work
    "run-closed": ("The run is closed", 409),
    "nothing-to-do": ("No parcel fits", 422),
    "still-used": ("It is still in use", 409),
    "email-taken": ("This e-mail belongs to somebody else", 409),
    "last-admin": ("The shop needs an administrator", 409),
    # -- carriers' feeds
    "feed-key-unknown": ("This is not a key of this feed", 401),
    "signature-stale": ("The signature is not from now", 401),
    # -- importing an order export
    "import-empty": ("There is nothing in the file", 422),
    "import-too-large": ("The file is too large", 413),
    "import-format": ("This is not a file that can be read", 415),
    "import-encoding": ("The text is not UTF-8", 422),
    "import-workbook": ("The workbook cannot be read", 422),
    "import-columns": ("Columns are missing", 422),
    "import-dates": ("The dates cannot be read", 422),
    "import-too-bad": ("Too many rows are bad", 422),
    # -- labels and cases
    "label-empty": ("There is nothing to check", 422),
    "label-too-large": ("The file is too large", 413),
    "label-unreadable": ("This file cannot be looked at", 422),
    # -- rescue files and the quarantine
    "rescue-empty": ("There is nothing in the file", 422),
    "rescue-too-large": ("The file is too large", 413),
    "rescue-unreadable": ("This is not a rescue file", 415),
    "rescue-damaged": ("A part of the file is damaged", 422),
    "never-acceptable": ("This cannot be taken in", 422),
    # -- backups
    "backup-folder": ("This folder cannot take a backup", 409),
    "backup-another": ("This folder has another Baton's backups", 409),
    "backup-source": ("What is to be backed up is damaged", 500),
    "backup-incomplete": ("The backup lacks photos", 500),
    "backup-unknown": ("There is no such backup", 404),
    "backup-torn": ("The backup was never finished", 422),
    "backup-damaged": ("The backup is damaged", 422),
    "backup-newer": ("The backup is from a newer Baton", 422),
    "backup-other-database": ("The backup is of another kind of database", 409),
    "not-empty": ("There is something here already", 409),
    # -- proofs
    "proof-too-large": ("The proof would be too large", 413),
    "file-unwritable": ("The file cannot be written", 500),
    "stamps-off": ("No time-stamping authority is set", 409),
    "stamp-refused": ("There is no time stamp yet", 502),
    # -- one parcel code
    "code-invalid": ("This is not a parcel code", 422),
    "parcel-unknown": ("No such parcel", 404),
    # -- server-made events
    "event-refused": ("The event cannot be made", 422),
    "rules-invalid": ("The rule pack cannot be read", 500),
    # -- one event
    "event_malformed": ("The event cannot be read", 422),
    "event_too_large": ("The event is too large", 413),
    "bad_signature": ("The signature does not fit the phone's key", 422),
    "kind_unknown": ("This kind of event is not known here", 422),
    "version_unknown": ("This version of events is not known here", 422),
    "id_reused": ("This id was already used for another event", 409),
    "not_this_device": ("The event was made by another phone or person", 403),
    "device_revoked": ("The phone was revoked; its event is kept for the office", 403),
    "device_unknown": ("No phone of this shop has this id", 404),
    "server_fault": ("The server failed on this event, send it again", 500),
}


class Problem(Exception):
    """A refusal by its catalogue code.

    `detail` says what was wrong this time, in a sentence without secrets. `retry_after` is in seconds,
    for those who may try again. Extra members go into the problem document as they are.
    """

    def __init__(
        self, code: str, detail: str | None = None, *, retry_after: int | None = None, **members: Any
    ) -> None:
        self.code = code
        self.title, self.status = CATALOGUE[code]
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.members = members
        super().__init__(f"{code}: {self.detail}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive pickling (a worker process hands its refusals back)."""
        return (_rebuild, (type(self), self.code, self.detail, self.retry_after, self.members))

    def as_document(self) -> dict[str, Any]:
        """The RFC 9457 document (`type`, `title`, `status`, `detail`, `code`, extra members)."""
        return {
            **self.members,
            "type": PROBLEM_TYPE + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }

    def as_brief(self) -> dict[str, str]:
        """The short form inside a batch's results: `{code, title, detail}`."""
        return {"code": self.code, "title": self.title, "detail": self.detail}


def _rebuild(
    cls: type[Problem], code: str, detail: str, retry_after: int | None, members: dict[str, Any]
) -> Problem:
    return cls(code, detail, retry_after=retry_after, **members)
