"""Letters by SMTP, one connection for as many as there are.

A mail server cannot tell a letter that is sent twice from two letters, so what matters is to know when it took one.
Until the dot that ends a letter is on its way, it surely did not (`again`); when its answer to the dot is missing,
nobody can know (`maybe`): such a letter is not sent again by itself, the office sees it and decides.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from types import TracebackType
from typing import Self

from webapp.services.notices.outcomes import SENT, Letter, Outcome
from webapp.settings import Smtp

_ADDRESS = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[\w-][\w.-]{0,188}")
_DOT = re.compile(rb"(?m)^\.")


class Mailer:
    """A mail server as letters need it. Use it as a context; it opens the connection on the first letter."""

    def __init__(self, smtp: Smtp) -> None:
        self._smtp = smtp
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def send(self, letter: Letter) -> Outcome:
        """Hand one letter over. A connection that was kept and is gone by now is opened once more."""
        to = _plain_address(letter.target)
        if to is None:
            return Outcome("refused", f"{letter.target or 'Nothing'} is not an e-mail address.")
        was_open = self._server is not None
        outcome = self._try(to, compose(letter, self._smtp, to))
        if was_open and outcome.is_trouble and outcome.state == "again":
            outcome = self._try(to, compose(letter, self._smtp, to))
        return outcome

    def _try(self, to: str, data: bytes) -> Outcome:
        try:
            server = self._open()
            refused = self._introduce(server, to)
        except smtplib.SMTPAuthenticationError as error:
            return self._trouble(f"The mail server does not take our user and password: {_told(error)}")
        except (smtplib.SMTPException, OSError) as error:
            return self._trouble(f"The mail server cannot be reached or hung up: {_told(error)}")
        return refused or self._hand_over(server, data)

    def _open(self) -> smtplib.SMTP:
        if self._server is not None:
            return self._server
        smtp, context = self._smtp, ssl.create_default_context(cafile=self._smtp.ca_file)
        us = smtp.sender.rpartition("@")[2]  # left out, the library asks the network for this machine's name
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, us, timeout=smtp.timeout, context=context
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, us, timeout=smtp.timeout)
        self._server = server
        if smtp.security == "starttls":
            server.starttls(context=context)
        if smtp.user:
            server.login(smtp.user, smtp.password)
        return server

    def _introduce(self, server: smtplib.SMTP, to: str) -> Outcome | None:
        """Say from whom and to whom, and ask to begin; None when the server waits for the letter."""
        server.ehlo_or_helo_if_needed()
        code, said = server.mail(self._smtp.sender)
        if code != 250:  # it is us that it does not want: no use in asking for others
            return self._trouble(_answer("the sender", code, said))
        code, said = server.rcpt(to)
        if code not in {250, 251}:
            self._start_over(server, code)
            return _refusal(_answer(to, code, said), code)
        code, said = server.docmd("DATA")
        if code != 354:
            self._start_over(server, code)
            return _refusal(_answer("the letter", code, said), code)
        return None

    def _hand_over(self, server: smtplib.SMTP, data: bytes) -> Outcome:
        try:
            server.send(data)
        except (smtplib.SMTPException, OSError) as error:
            return self._trouble(f"The mail server hung up in the middle of the letter: {_told(error)}")
        try:
            server.send(b".\r\n")
            code, said = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up(politely=False)
            text = f"The mail server had the whole letter and did not answer ({_told(error)})."
            return Outcome("maybe", f"{text} It may have arrived; send it again only if it did not.", True)
        if code == 250:
            return SENT
        self._start_over(server, code)
        return _refusal(_answer("the letter", code, said), code)

    def _start_over(self, server: smtplib.SMTP, code: int) -> None:
        try:
            if code != 421:
                server.rset()
                return
        except (smtplib.SMTPException, OSError):
            pass  # it is gone: the next letter opens a new connection
        self._hang_up(politely=False)

    def _trouble(self, said: str) -> Outcome:
        self._hang_up(politely=False)
        return Outcome("again", said, is_trouble=True)

    def _hang_up(self, *, politely: bool = True) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            if politely:
                server.quit()
        except (smtplib.SMTPException, OSError):
            pass  # it hung up first
        finally:
            server.close()


def compose(letter: Letter, smtp: Smtp, to: str) -> bytes:
    """The letter as it goes over the wire, with a Message-ID that is the same at every try."""
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((_one_line(letter.shop), smtp.sender))
    message["To"] = to
    message["Subject"] = _one_line(letter.words.subject)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{smtp.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    parts = (letter.words.text, letter.link, f"-- \n{letter.shop}")
    message.set_content("\n\n".join(part for part in parts if part) + "\n", cte="base64")
    return _DOT.sub(b"..", message.as_bytes())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain_address(text: str) -> str | None:
    """The address as SMTP takes it: its domain in ASCII. None when it cannot be written to."""
    if not _ADDRESS.fullmatch(text):
        return None
    name, _, domain = text.rpartition("@")
    try:
        return f"{name}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return None


def _refusal(said: str, code: int) -> Outcome:
    return Outcome("refused" if code >= 500 else "again", said, is_trouble=code == 421)


def _answer(what: str, code: int, said: bytes) -> str:
    return f"The mail server did not take {what}: {code} {said.decode(errors='replace')[:300]}"


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"[:300]
    return (str(error) or type(error).__name__)[:300]
