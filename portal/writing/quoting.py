"""The message that is answered or forwarded, as it goes along: quoted below an answer, whole when it is forwarded."""

from __future__ import annotations

import html
import re

from django.utils.translation import gettext as _

from branding.templatetags.words import plain_moment
from portal.mime.addresses import Mailbox
from portal.mime.building import Attachment
from portal.mime.plain import from_html, to_html
from portal.vault.opening import Opened

_OWN_PICTURE = re.compile(r"<img(?:[^>\"]|\"[^\"]*\")*?\ssrc=\"inline/\d+\"(?:[^>\"]|\"[^\"]*\")*>")
"""A picture of the message itself, as the cleaner wrote it; it goes along as a file, and that address is of no use."""


def below_answer(text: str, opened: Opened) -> str:
    """An answer with the message below it, each of its lines after "> "."""
    toc = opened.toc
    head = _("{date}, {sender}:").format(date=plain_moment(toc.sent_at), sender=_named(toc.sender))
    quoted = "\n".join(f"> {line}" if line else ">" for line in _text(opened).split("\n"))
    return f"{text.rstrip()}\n\n{head}\n{quoted}"


def below_forward(text: str, opened: Opened) -> tuple[str, str]:
    """Text and HTML of what is forwarded; "" for HTML when the message has none."""
    heads = _heads(opened)
    plain = "\n".join([*([text.rstrip(), ""] if text.strip() else []), *heads, "", _text(opened)])
    if not opened.toc.html:
        return plain, ""
    # Cleaned when it came, and cleaned again with all of this when it is sealed.
    body = _OWN_PICTURE.sub("", opened.body(opened.toc.html))
    lines = "<br>\n".join(html.escape(line) for line in heads)
    return plain, f"<div>{to_html(text.rstrip())}</div>\n<hr>\n<p>{lines}</p>\n<div>{body}</div>"


def files(opened: Opened) -> list[Attachment]:
    """Its files, opened piece by piece as they are written."""
    return [Attachment(file.name, file.content_type, opened.chunks(file)) for file in opened.toc.files]


def _heads(opened: Opened) -> list[str]:
    toc = opened.toc
    lines = [
        _("Forwarded message"),
        _("From: {sender}").format(sender=_named(toc.sender)),
        _("Sent: {date}").format(date=plain_moment(toc.sent_at)),
        _("To: {people}").format(people=", ".join(map(_named, toc.to))),
    ]
    if toc.cc:
        lines.append(_("Cc: {people}").format(people=", ".join(map(_named, toc.cc))))
    return [*lines, _("Subject: {subject}").format(subject=toc.subject)]


def _text(opened: Opened) -> str:
    return opened.body(opened.toc.text) or from_html(opened.body(opened.toc.html))


def _named(box: Mailbox) -> str:
    return f"{box.name} <{box.address}>" if box.name else box.address
