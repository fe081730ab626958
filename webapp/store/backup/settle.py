"""What a database that was put back has to forget and to begin anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, String, Table, bindparam, delete, insert, not_, update

from sync.protocol.times import parse_time
from webapp.store import photo_folder
from webapp.store.backup.copied import Held, LetGo, Restored
from webapp.store.models import (
    Blob,
    BlobRef,
    DeletedBlob,
    Delivery,
    Device,
    Installation,
    Notice,
    Upload,
    UploadPart,
)


def settle(connection: Connection, restored: Restored) -> None:
    """Begin a new epoch: phones then offer again what they were told is kept, and are asked for what is lost."""
    _begin_epoch(connection, restored)
    _forget_uploads(connection)
    _want_again(connection, restored)
    _want_no_more(connection, restored)
    _end_server_devices(connection, restored)
    _hold_back_notices(connection)


def _begin_epoch(connection: Connection, restored: Restored) -> None:
    table = _table(Installation)
    said = {"epoch": restored.epoch, "epochs_before": " ".join(restored.epochs_before)}
    # The photo folder is another one now, too: the next start writes into both whose it is.
    connection.execute(delete(table).where(table.c.name.in_([*said, photo_folder.NAME])))
    connection.execute(insert(table), [{"name": name, "value": value} for name, value in said.items()])


def _hold_back_notices(connection: Connection) -> None:
    """What was on its way when the backup was made has gone out since: the office decides what is sent again."""
    table = _table(Delivery)
    said = "The books were put back from a backup; this may have gone out since. Send it again only if it did not."
    under_way = table.c.state.in_(["waiting", "sending"])
    connection.execute(update(table).where(under_way).values(state="maybe", error=said, lease=None))
    notices = _table(Notice)
    connection.execute(update(notices).where(notices.c.state == "waiting").values(state="failed"))
    # One that nobody was looked up for yet has nothing to send again: it can be addressed anew.
    connection.execute(update(notices).where(notices.c.state == "new").values(state="unsent"))


def _forget_uploads(connection: Connection) -> None:
    # Their parts are in no backup: a phone that asks is told so and begins them again.
    connection.execute(delete(_table(UploadPart)))
    connection.execute(delete(_table(Upload)))


def _want_again(connection: Connection, restored: Restored) -> None:
    """A row says that bytes are held: without them no phone would be asked for its own."""
    _are_gone(connection, restored.lost, is_awaited=not_(_table(BlobRef).c.is_lost))


def _want_no_more(connection: Connection, restored: Restored) -> None:
    """What the shop let go while the backup was made is let go here too, with the reason it had then."""
    _are_gone(connection, restored.let_go, is_awaited=False, is_checked=True)
    rows = [
        {**gone._asdict(), "deleted_at": parse_time(gone.deleted_at), "cleared_at": restored.at}
        for gone in restored.let_go
    ]
    if rows:
        connection.execute(insert(_table(DeletedBlob)), rows)


def _are_gone(connection: Connection, gone: Sequence[Held | LetGo], **values: Any) -> None:
    """No row says any more that these are held; what speaks of them gets these values."""
    if not gone:
        return
    blobs, refs = _table(Blob), _table(BlobRef)
    keys = [{"b_org_id": each.org_id, "b_sha256": each.sha256} for each in gone]
    org_id, sha256 = bindparam("b_org_id", type_=String), bindparam("b_sha256", type_=String)
    connection.execute(delete(blobs).where(blobs.c.org_id == org_id, blobs.c.sha256 == sha256), keys)
    mine = update(refs).where(refs.c.org_id == org_id, refs.c.sha256 == sha256)
    connection.execute(mine.values(**values), keys)


def _end_server_devices(connection: Connection, restored: Restored) -> None:
    # What the server signed after the backup is gone here, but may be in proofs elsewhere: no number is used twice.
    devices = _table(Device)
    ended = update(devices).where(devices.c.kind == "server", devices.c.revoked_at.is_(None))
    connection.execute(ended.values(revoked_at=restored.at))


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
