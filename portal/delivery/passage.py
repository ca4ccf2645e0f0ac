"""The X-Letterlock-Seal header: mail that the portal sent is known when the mail server hands it over again.

    X-Letterlock-Seal: v=1; t=1763900000; m=3f2a9c0d41b7e865; s=<base64url>

`t` is when it left, in seconds since 1970; `m` names the outbound mail; `s` is HMAC-SHA256 over t, m, envelope sender
and Message-ID. Not to the body: mail servers re-encode bodies and add headers on the way. Whoever is sent such a mail
holds its seal, so it is believed only for a mail to those to whom `m` went (`went_to`): a copied one lets its holder
write to themselves. A mail server that rewrites the envelope sender (SRS, VERP) or a recipient makes a seal worthless:
the rules decide on such mail again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from portal.delivery.models import Outbound
from portal.delivery.queue import address_of
from portal.keys.binding import bound
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.editing import with_header, without_headers
from portal.mime.errors import BadAddress
from portal.mime.fields import header_end, raw_fields
from portal.mime.limits import MAX_HEADER_BYTES

HEADER = "X-Letterlock-Seal"
FRESH_SECONDS = 5 * 86_400
"""As long as mail servers keep trying (RFC 5321 §4.5.4.1): the way back may wait in a queue."""
EARLY_SECONDS = 300
"""So far ahead may the clock of the host be that sent it."""
_DAY = timedelta(days=1)
_LABEL = "letterlock/v1/passage"
_VALUE = re.compile(r"v=1; t=([0-9]{1,12}); m=([0-9a-f]{16}); s=([A-Za-z0-9_-]{43})")
ROOM = 160
"""More bytes than the header takes."""


def make(secret: bytes, id_: UUID, sent_at: datetime, envelope_sender: str, message_id: str) -> str:
    """The header's value."""
    return _written(secret, int(sent_at.timestamp()), id_.hex[:16], envelope_sender, message_id)


def verify(secrets: Sequence[bytes], now: datetime, envelope_sender: str, fields: Iterable[tuple[str, str]]) -> str:
    """The `m` of a mail's seal when it is ours, fresh and made for this mail; "" in every other case.

    `fields` are the mail's header fields, unfolded. Two seals or two Message-IDs are nothing that the portal sends.
    """
    seals: list[str] = []
    ids: list[str] = []
    for name, value in fields:
        if name.lower() == HEADER.lower():
            seals.append(" ".join(value.split()))
        elif name.lower() == "message-id":
            ids.append(value)
    found = _VALUE.fullmatch(seals[0]) if len(seals) == 1 and len(ids) <= 1 else None
    if found is None:
        return ""
    at, name = int(found[1]), found[2]
    age = now.timestamp() - at
    expected = [_written(secret, at, name, envelope_sender, "".join(ids)).encode() for secret in secrets]
    # All are compared, so that the time does not tell which secret fitted.
    fitting = sum([hmac.compare_digest(one, seals[0].encode("ascii", "replace")) for one in expected])
    return name if fitting and -EARLY_SECONDS <= age <= FRESH_SECONDS else ""


def went_to(name: str, recipients: Sequence[str]) -> bool:
    """Whether the mail that a verified seal's `m` names was for all of these. Raises key errors."""
    first, last = UUID(hex=name + "0" * 16), UUID(hex=name + "f" * 16)
    reached = {normalise(address_of(row)) for row in Outbound.objects.filter(pk__range=(first, last))[:2]}
    return bool(recipients) and reached.issuperset(map(normalise, recipients))


def sealed(chunks: Iterable[bytes], id_: UUID, made_at: datetime, envelope_sender: str) -> Iterator[bytes]:
    """A mail with a seal of its own in front, and without any that it brought along. Raises key errors at once."""
    secret = keys().secret("seal")
    # In steps of a day: a mail that is sent twice after a crash is the same mail twice, and mail servers see that.
    sent_at = made_at + (timezone.now() - made_at) // _DAY * _DAY
    return _with_seal(chunks, lambda message_id: make(secret, id_, sent_at, envelope_sender, message_id))


def _with_seal(chunks: Iterable[bytes], seal: Callable[[str], str]) -> Iterator[bytes]:
    rest = without_headers(chunks, {HEADER})
    block = b""
    for chunk in rest:
        block += chunk
        end, body = header_end(block)
        if body > end or len(block) > MAX_HEADER_BYTES:
            break
    ids = [value for name, value in raw_fields(block[: header_end(block)[0]]) if name.lower() == "message-id"]
    yield with_header(block, f"{HEADER}: {seal(''.join(ids))}\r\n".encode("ascii"))
    yield from rest


def _written(secret: bytes, at: int, name: str, envelope_sender: str, message_id: str) -> str:
    try:
        sender = normalise(envelope_sender) if envelope_sender else ""
    except BadAddress:
        sender = envelope_sender
    # A Message-ID may be as long as a header; its hash fits into what a field may be bound to.
    named = hashlib.sha256(message_id.strip().encode("utf-8", "replace")).digest()
    told = bound(_LABEL, str(at).encode(), name.encode(), sender.encode("utf-8", "replace"), named)
    digest = hmac.digest(secret, told, "sha256")
    return f"v=1; t={at}; m={name}; s={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
