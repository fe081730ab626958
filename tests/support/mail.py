"""A real mail server on loopback that can be told to be a bad one."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import deque
from email.message import EmailMessage
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller

from tests.support.ports import free_port
from webapp.settings import Smtp


class MailServer:
    """Takes letters into `letters` (its `took` counts those it answered 250 for, or would have).

    `on_rcpt`, `on_data` and `on_end` hold what to do with the next recipients, begins and ends of letters: a reply
    ("451 later"), `drop` (hang up), `slow` (answer too late). `on_end` of `drop` and `slow` comes after the letter
    was taken.
    """

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.connections = 0
        self.on_rcpt: deque[str] = deque()
        self.on_data: deque[str] = deque()
        self.on_end: deque[str] = deque()
        self._controller: Controller | None = None
        self.port = free_port()

    def start(self) -> MailServer:
        """Listen (again)."""
        server = self

        class _Protocol(smtp.SMTP):
            async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
                if server.on_data and self.session and self.envelope and self.envelope.rcpt_tos:
                    said = await server._do(self, server.on_data.popleft())
                    if said:
                        await self.push(said)
                    return
                await super().smtp_DATA(arg)

        class _Controller(Controller):
            def factory(self) -> smtp.SMTP:
                server.connections += 1
                return _Protocol(self.handler, **self.SMTP_kwargs)

        self._controller = _Controller(
            self, hostname="127.0.0.1", port=self.port, server_hostname="mail.test"
        )
        self._controller.start()
        self.connections = 0  # it says hello to itself when it starts
        return self

    def stop(self) -> None:
        """Hang up and listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def settings(self, timeout: float = 20) -> Smtp:
        """How to reach it."""
        return Smtp("127.0.0.1", self.port, "baton@example.com", security="none", timeout=timeout)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """One recipient."""
        if self.on_rcpt and (said := await self._do(server, self.on_rcpt.popleft())):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """A whole letter."""
        told = self.on_end.popleft() if self.on_end else "250 taken"
        if told in {"drop", "slow"} or told.startswith("250"):
            letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(letter, EmailMessage)
            letter["X-To"] = envelope.rcpt_tos[0]
            self.letters.append(letter)
        return await self._do(server, told) or "250 taken"

    async def _do(self, server: Any, told: str) -> str | None:
        if told == "drop":
            server.transport.abort()
            return "421 gone"
        if told == "slow":
            await asyncio.sleep(20)
            return None
        return told
