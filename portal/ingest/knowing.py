"""What the rules are told of a received mail: what its envelope and header say now, what is inside when they ask."""

from __future__ import annotations

from django.conf import settings

from portal.directory import membership
from portal.ingest import contents, spool
from portal.mime.fields import decode_words, stray_fields
from portal.mime.reading import Letter, read
from portal.rules.facts import Facts
from portal.rules.trying import Tried


def facts(letter: Letter, envelope: spool.Envelope, raw: bytes, *, refers: bool) -> Facts:
    """`refers` says that it answers a protected message."""
    stray = [(name, decode_words(value)) for name, value in stray_fields(raw)]
    headers = tuple((name.lower(), value) for name, value in (*letter.headers, *stray))
    kinds = [value for name, value in headers if name == "content-type"]
    return Facts(
        subject=letter.subject,
        headers=headers,
        sender=envelope.sender,
        recipients=envelope.recipients,
        trusted=envelope.trusted,
        inside_domains=settings.LETTERLOCK.inside_domains,
        size=len(raw),
        refers_to_protected=envelope.source == "reply" or refers,
        written_here=envelope.source == "reply",
        peer=envelope.peer,
        protections=letter.protections,
        content_type=kinds[0].partition(";")[0].strip().lower() if kinds else "",
        readable=letter.readable and not any("encrypted" in one or "inline" in one for one in letter.protections),
        contents=contents.of(letter, raw),
        directory=membership,
    )


def tried(raw: bytes, how: Tried) -> Facts:
    """The same of a mail that is only tried: nothing is stored."""
    letter = read(raw)
    written = letter.sender.address if letter.sender else ""
    to = [box.address for box in (*letter.to, *letter.cc)] if how.recipients is None else how.recipients
    sender = written if how.sender is None else how.sender
    envelope = spool.Envelope(sender, tuple(to), "command", how.trusted, peer=how.peer)
    return facts(letter, envelope, raw, refers=how.answers)
