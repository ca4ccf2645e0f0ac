"""What the rules are told of a received mail: what its envelope and header say now, what is inside when they ask."""

from __future__ import annotations

from django.conf import settings

from portal.directory import membership
from portal.ingest import spool
from portal.mime import plain
from portal.mime.fields import decode_words, stray_fields
from portal.mime.reading import Letter
from portal.rules.contents import Attachment, Contents, Reading
from portal.rules.facts import Facts


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
        contents=contents(letter),
        directory=membership,
    )


def contents(letter: Letter) -> Contents:
    """What is inside of a mail, read when it is asked for."""
    return Contents(
        lambda: letter.text if letter.text is not None else plain.from_html(letter.html or ""),
        lambda: tuple(
            Attachment(part.name, part.content_type, len(part.data), read=lambda: Reading(unreadable=True))
            for part in letter.parts
        ),
        truncated=not letter.readable,
    )
