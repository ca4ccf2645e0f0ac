"""What a token claims: what it may do, for which brand, and how long (portal.access.grants)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from portal.access.grants import Kind, as_json, moment, number
from portal.api.models import Token


def _token(row: Token) -> Sequence[bytes]:
    digests = bytes(row.digest), bytes(row.old_digest or b"")
    moments = (moment(at) for at in (row.old_until, row.expires_at, row.revoked_at))
    return number(row.pk), *digests, *moments, as_json(row.scopes), number(row.brand_id)


KIND = Kind("token", Token, _token, lambda row: f"token {row.name}, for {row.scopes}", only=Q(revoked_at=None))
