"""No phone asks for more than its share: so many requests a minute, and few once it is signed out."""

from __future__ import annotations

import math

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from sync.protocol.problems import Problem
from webapp import access, clock
from webapp.extensions import of_app

# A phone with two weeks of work sends some dozen batches and a picture a second; a tool that sends events singly as
# fast as it is answered stays below this too.
LET_IN = RateLimitItemPerMinute(6000)
SIGNED_OUT = RateLimitItemPerMinute(30)
# Not the extension's decorator: it would put its own Retry-After on every answer, the good and the busy ones too.
_counted = FixedWindowRateLimiter(MemoryStorage())


def keep_pace() -> None:
    """Count this request of its phone. Problem `slow-down` when it sent too many; none where limits are off."""
    if not of_app("baton-settings").rate_limits:
        return
    caller = access.device()
    share = LET_IN if caller.revoked_at is None else SIGNED_OUT
    if _counted.hit(share, "phone", caller.id):
        return
    ends = _counted.get_window_stats(share, "phone", caller.id).reset_time
    wait = max(1, math.ceil(ends - clock.now().timestamp()))
    raise Problem("slow-down", f"This phone asks too often; send the rest in {wait} s.", retry_after=wait)
