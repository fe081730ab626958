"""Notices: `raise_notice` says that somebody is to be told; the clockwork sees to it that they are, once."""

from webapp.services.notices.raising import (
    Asked,
    To,
    raise_notice,
    raise_notices,
    to_address,
    to_person,
    to_role,
    to_seller,
)

__all__ = ["Asked", "To", "raise_notice", "raise_notices", "to_address", "to_person", "to_role", "to_seller"]
