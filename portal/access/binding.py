"""A keyed seal over what a row of sign-in claims: whoever writes the database alone can make no row that grants."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from portal.access.models import Session
from portal.keys.binding import bound
from portal.keys.service import keys

_LABEL = "letterlock/v1/signed-in"


def seal(session: Session) -> bytes:
    """HMAC-SHA256 of all that a session grants, and to whom, 32 bytes. When it was last used is not part of it."""
    return _seal(keys().secret("session"), session)


def fits(session: Session) -> bool:
    """Whether the seal of a row, read with its person, is that of what the row says. In constant time."""
    held = bytes(session.seal)
    return any(hmac.compare_digest(held, _seal(secret, session)) for secret in keys().secret_versions("session"))


def _seal(secret: bytes, session: Session) -> bytes:
    fields = (
        bytes(session.token),
        session.person_id.bytes,
        # Their address too: a person's row that is given another look-up stands for nobody's messages.
        session.person.lookup.encode(),
        str(session.brand_id).encode(),
        session.reader_id.bytes if session.reader_id else b"",
        session.method.encode(),
        session.provider.encode(),
        str(session.level).encode(),
        _moment(session.factor_at),
        bytes((session.office, session.sender, session.anew)),
        _moment(session.made_at),
        str(session.idle_seconds).encode(),
        _moment(session.ends_at),
    )
    return hmac.digest(secret, bound(_LABEL, *fields), "sha256")


def _moment(at: datetime | None) -> bytes:
    return at.astimezone(UTC).isoformat().encode() if at else b""
