"""How large a bundle may be: every number that bounds its reader, with its reason."""

from __future__ import annotations

from sync.protocol.schema import MAX_BLOB_BYTES

MAX_FILE = 1024 * 1024 * 1024  # a handover of 500 parcels with a photo each is some 150 MB
MAX_MEMBERS = 5_000  # an event names at most 1,000 pictures
MAX_PICTURE = MAX_BLOB_BYTES
MAX_TEXT = 64 * 1024 * 1024  # events.jws, keys.json, receipts.jws, timeline.json, each
MAX_PDF = 64 * 1024 * 1024
MAX_PAGE = 64 * 1024 * 1024
MAX_LINES = 20_000  # of events.jws, and of receipts.jws
MAX_LINE = 65_536  # PROTOCOL section 3, max_event_bytes; a receipt of 200 events is a third of it
MAX_SEAL = 16 * 1024 * 1024
MAX_FINDINGS = 200  # told of one bundle; a mess is a mess
MAX_NAME = 200
EMBED_UP_TO = 16 * 1024 * 1024  # a larger bundle is picked in the page, not carried in it
