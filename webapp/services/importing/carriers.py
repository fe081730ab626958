"""Which of the shop's carriers an export means, and new ones for names nobody has met."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Protocol

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class KnownCarrier(Protocol):
    """A carrier of the shop: our code, its name, and what exports call it."""

    code: str
    name: str
    names: list[str]


class CarrierBook:
    """Finds a carrier by any of its names; a new name becomes a carrier with a code made of it."""

    def __init__(self, carriers: Iterable[KnownCarrier]) -> None:
        self._by_name: dict[str, str] = {}
        self._codes: set[str] = set()
        self.made: dict[str, str] = {}
        for carrier in carriers:
            self._codes.add(carrier.code)
            for name in (carrier.name, carrier.code, *carrier.names):
                self._by_name.setdefault(_folded(str(name)), carrier.code)

    def code_of(self, provider: str | None) -> str | None:
        """The carrier's code; None when the export names none."""
        if not provider or not _folded(provider):
            return None
        code = self._by_name.get(_folded(provider))
        if code is None:
            code = self._new_code(provider)
            self._by_name[_folded(provider)] = code
            self._codes.add(code)
            self.made[code] = provider
        return code

    def take_made(self) -> dict[str, str]:
        """The carriers made since the last call, name by code."""
        made, self.made = self.made, {}
        return made

    def _new_code(self, provider: str) -> str:
        plain = unicodedata.normalize("NFKD", provider).encode("ascii", "ignore").decode().casefold()
        slug = _NOT_SLUG.sub("-", plain).strip("-")[:28].strip("-") or "carrier"
        code, number = slug, 2
        while code in self._codes:
            code, number = f"{slug}-{number}", number + 1
        return code


def _folded(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
