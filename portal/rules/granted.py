"""What a published version claims: its rules, its place, and who published it (portal.access.grants)."""

from __future__ import annotations

from collections.abc import Sequence

from portal.access.grants import Kind, as_json, number
from portal.rules.models import Version


def _version(row: Version) -> Sequence[bytes]:
    return number(row.number), as_json(row.document), row.made_by.bytes if row.made_by else b""


KIND = Kind("rules", Version, _version, lambda row: f"version {row.number} of the rules")
