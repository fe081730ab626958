"""How large a rescue file may be: every number that bounds the reader, with its reason."""

from __future__ import annotations

from sync.protocol.schema import MAX_BLOB_BYTES

MAX_FILE = 1024 * 1024 * 1024  # a phone writes at most 48 MiB a file; joined by hand, still a bound
MAX_MEMBERS = 5_000  # 48 MiB of photos are some 500
MAX_GIVEN = 2 * MAX_FILE  # all parts together, unpacked: read twice where a damaged length hid what follows
MAX_LOOKS = 100_000  # places that look like the begin of a part, in a file that is one great mess
MAX_MANIFEST = 64 * 1024
MAX_LINES = 20_000  # two weeks of a busy phone are about 3,000
MAX_LINE = 256 * 1024  # four times the largest event there may be: what is longer is no event at all
MAX_PICTURE = MAX_BLOB_BYTES
