"""Who writes which kind of mail: the rooms above register a builder, which is called only when the mail is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from django.conf import settings

from portal.delivery import passage
from portal.delivery.errors import BadAddress, NoBuilder
from portal.delivery.models import Outbound
from portal.delivery.naming import is_inside
from portal.mime.dsn import Dsn
from portal.mime.editing import without_headers

# Angle brackets, and of Unicode's categories Cc, Cs, Zl and Zp.
_ENDS_EARLY = re.compile("[<>\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


DIRECT = "mx:"
"""The relay in the settings where mail goes straight to the servers of its recipients' domains."""


def can_be_sent_to(address: str) -> bool:
    """Whether an address can stand in an SMTP command: angle brackets and line ends would end it early and begin
    another."""
    return _ENDS_EARLY.search(address) is None


@dataclass(frozen=True)
class Prepared:
    """One mail with its envelope. It exists in memory only, while it is sent."""

    envelope_sender: str = field(repr=False)
    """Empty for the null sender (RFC 5321 section 4.5.5)."""
    recipient: str = field(repr=False)
    data: Iterable[bytes] = field(repr=False)
    """The mail in pieces of any size; walked once."""
    size: int = 0
    """Bytes of `data`, or a little more; 0 when not known. For the relay's SIZE (RFC 1870)."""
    dsn: Dsn | None = field(default=None, repr=False)
    """What is to be told of its delivery, passed on to a relay that offers DSN (RFC 3461 section 5.2)."""
    require_tls: bool = field(default=False, repr=False)
    """Asks a relay that can to protect it all the way (REQUIRETLS, RFC 8689)."""
    utf8: bool = field(default=False, repr=False)
    """Its header holds UTF-8 and whoever handed it in said so (SMTPUTF8): it goes only to a relay that takes such mail
    (RFC 6531 section 3.5)."""

    def __post_init__(self) -> None:
        for address in (self.envelope_sender, self.recipient):
            if not can_be_sent_to(address):
                raise BadAddress
        if not self.recipient:
            raise BadAddress

    @classmethod
    def whole(cls, envelope_sender: str, recipient: str, mail: bytes) -> Prepared:
        """A small mail that is in memory already."""
        return cls(envelope_sender, recipient, (mail,), len(mail))


Builder = Callable[[Outbound], Prepared | None]
_builders: dict[str, Builder] = {}


def register(kind: str, build: Builder) -> None:
    """Name the builder of a kind, in AppConfig.ready(). It returns None when the mail is no longer wanted."""
    _builders[kind] = build


def prepare(outbound: Outbound) -> Prepared | None:
    """Write the mail now, with the seal that lets it pass our door again, unless it leaves for good. Raises NoBuilder,
    key errors, and whatever the builder raises."""
    try:
        build = _builders[outbound.kind]
    except KeyError:
        raise NoBuilder(outbound.kind) from None
    mail = build(outbound)
    if mail is None:
        return None
    if _leaves_for_good(mail.recipient):
        return replace(mail, data=without_headers(mail.data, {passage.HEADER}))
    data = passage.sealed(mail.data, outbound.id, outbound.made_at, mail.envelope_sender)
    return replace(mail, data=data, size=mail.size and mail.size + passage.ROOM)


def _leaves_for_good(recipient: str) -> bool:
    """Whether no mail server of ours is between here and the recipient's. Then its seal lets nothing pass that comes
    back, and whoever has a mailbox outside could hand in other mail to it with that, and no rule would be asked."""
    return bool(settings.LETTERLOCK.relay_url == DIRECT) and not is_inside(recipient)
