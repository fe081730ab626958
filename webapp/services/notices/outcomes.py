"""What became of one attempt to deliver, as every channel says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.services.notices.words import Words


@dataclass(frozen=True, slots=True)
class Outcome:
    """`sent`; `again` (surely not delivered, try later); `refused` (for good); `maybe` (handed over, no answer).

    `is_trouble`: the channel itself does not work just now, so there is no use in trying it for others. `is_gone`: the
    target will never take anything again. `is_spared`: nothing was sent at all, so it costs no try.
    """

    state: str
    said: str = ""
    is_trouble: bool = False
    after_s: int | None = None
    is_gone: bool = False
    is_spared: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to send, one notice or several alike. `id` is the same at every try of the same delivery."""

    id: str
    org_id: str
    channel: str
    target: str
    kind: str
    key: str
    words: Words
    link: str | None
    link_path: str | None
    shop: str
    is_urgent: bool
    reply_to: str | None
    body: dict[str, Any]  # the notice as a machine reads it
    at: datetime


SENT = Outcome("sent")
