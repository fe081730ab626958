"""The channels of one round, each opened when it is needed, left alone for the rest of the round when in trouble."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

from webapp.services.notices import hook, web_push
from webapp.services.notices.claiming import Claim, Post
from webapp.services.notices.mail import Mailer
from webapp.services.notices.outcomes import Letter, Outcome
from webapp.services.notices.web_push import Browser
from webapp.services.server_identity import signing_key
from webapp.settings import Settings


class Senders:
    """What this server can send by, and what of it is in trouble."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._mailer = stack.enter_context(Mailer(settings.smtp)) if settings.smtp else None
        self._channels = ["push", "webhook", *(["email"] if settings.smtp else [])]
        self._key = web_push.derive_key(signing_key())
        self._push_key = web_push.public_key(self._key)
        self._spared: set[str] = set()
        self._away: set[str] = set()  # push services that did not answer in this round

    def now(self) -> Post:
        """What may be claimed."""
        return Post(tuple(self._channels), self._push_key, frozenset(self._spared))

    def send(self, claim: Claim) -> Outcome:
        """One attempt. A shop's webhook in trouble is no trouble of another shop's."""
        if claim.why_not is not None:
            return Outcome("refused", claim.why_not)
        outcome = self._send(claim)
        if outcome.is_trouble and claim.letter.channel == "webhook":
            self._spared.add(claim.letter.org_id)
        elif outcome.is_trouble:
            self._channels.remove(claim.letter.channel)
        return outcome

    def _send(self, claim: Claim) -> Outcome:
        letter, may_be_private = claim.letter, self._settings.private_targets
        if letter.channel == "email" and self._mailer is not None:
            return self._mailer.send(letter)
        if claim.browser is not None:
            return self._push(letter, claim.browser)
        return hook.send(letter, claim.secret or "", may_be_private=may_be_private)

    def _push(self, letter: Letter, browser: Browser) -> Outcome:
        """A service that does not answer is no trouble of browsers that have another one."""
        service = urlsplit(browser.endpoint).netloc
        if service in self._away:
            return Outcome("again", f"{service} did not answer a moment ago.", is_spared=True)
        contact, may_be_private = contact_of(self._settings), self._settings.private_targets
        outcome = web_push.send(letter, browser, self._key, contact, may_be_private=may_be_private)
        if outcome.is_trouble:
            self._away.add(service)
        return replace(outcome, is_trouble=False)


def contact_of(settings: Settings) -> str:
    """Whom a push service may ask about us."""
    return f"mailto:{settings.smtp.sender}" if settings.smtp else settings.public_url
