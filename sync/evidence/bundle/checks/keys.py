"""The keys: each is called by its own fingerprint; which of them are the server's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.evidence.bundle.contents import KEYS, Bundle
from sync.protocol.envelope import Envelope, is_signed_by
from sync.protocol.keys import thumbprint
from sync.protocol.problems import Problem

Key = Mapping[str, Any]


class Ring:
    """The keys that may be believed, by fingerprint; `server` is the one that has to seal the bundle."""

    def __init__(self, bundle: Bundle) -> None:
        document = bundle.keys or {"server": None, "keys": []}
        self.server: str | None = document["server"]
        self.by_kid: dict[str, Key] = {}
        self.by_device: dict[str, list[Key]] = {}
        for key in document["keys"] or []:
            self.by_device.setdefault(key["device"], []).append(key)
            if key.get("jwk") is None:
                continue
            if thumbprint(key["jwk"]) == key.get("kid"):
                self.by_kid[key["kid"]] = key
            else:
                bundle.findings.add("key_misnamed", KEYS, f"The key of {key['label'] or key['device']}.")

    def is_servers(self, kid: str | None) -> bool:
        """Whether a key of that name is one of the server's."""
        return kid in self.by_kid and self.by_kid[kid or ""]["kind"] == "server"

    def has_signed(self, kid: str | None, signed: Envelope) -> bool:
        """Whether that key made this signature."""
        key = self.by_kid.get(kid or "")
        try:
            return key is not None and signed.header.alg == "ES256" and is_signed_by(signed, key["jwk"])
        except Problem:
            return False

    def holder(self, device: str) -> Key | None:
        """Whose a device is, whatever its key."""
        held = self.by_device.get(device)
        return held[0] if held else None
