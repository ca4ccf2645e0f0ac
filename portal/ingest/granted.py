"""What a connector claims: who may hand mail in by it, as whom, and how much (portal.access.grants)."""

from __future__ import annotations

from collections.abc import Sequence

from portal.access.grants import Kind, flags, number
from portal.ingest.models import Connector


def _connector(row: Connector) -> Sequence[bytes]:
    texts = (row.name, row.networks, row.certificate, row.login, row.password, row.domains, row.header)
    numbers = number(row.max_sessions), number(row.max_hourly)
    return *(text.encode() for text in texts), row.header_digests.encode(), flags((row.tls_required,)), *numbers


def _words(row: Connector) -> str:
    asked = {"from": row.networks, "with certificate": row.certificate, "with login": row.login}
    shown = ", ".join(f"{what} {value}" for what, value in asked.items() if value)
    return f"connector {row.name}, {shown}, sending as {row.domains or 'anyone'}"


# The door looks at them, which holds no key.
KIND = Kind("connector", Connector, _connector, _words, posted=True)
