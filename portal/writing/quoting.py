"""The message that is answered or forwarded, as it goes along: quoted below an answer, whole when it is forwarded."""

from __future__ import annotations

import html

from django.utils.translation import gettext as _

from branding.templatetags.words import plain_moment
from portal.mime.addresses import Mailbox
from portal.mime.building import Attachment
from portal.mime.cleaning import without_own_pictures
from portal.mime.plain import from_html, to_html
from portal.vault.opening import Opened
from portal.vault.unsent import Words


def below_answer(words: Words, opened: Opened) -> tuple[str, str]:
    """Text and HTML of an answer with the message below it, each line of the text after "> "; "" for HTML where the
    answer has no formats."""
    toc = opened.toc
    head = _("{date}, {sender}:").format(date=plain_moment(toc.sent_at), sender=_named(toc.sender))
    there = _text(opened)
    quoted = "\n".join(f"> {line}" if line else ">" for line in there.split("\n"))
    plain = f"{words.text.rstrip()}\n\n{head}\n{quoted}"
    if not words.html:
        return plain, ""
    return plain, f"{words.html}\n<p>{html.escape(head)}</p>\n<blockquote>{to_html(there)}</blockquote>"


def below_forward(words: Words, opened: Opened) -> tuple[str, str]:
    """Text and HTML of what is forwarded; "" for HTML when neither it nor what was written above has any."""
    heads, there = _heads(opened), _text(opened)
    plain = "\n".join([*([words.text.rstrip(), ""] if words.text.strip() else []), *heads, "", there])
    if not opened.toc.html and not words.html:
        return plain, ""
    # Cleaned when it came, and cleaned again with all of this when it is sealed.
    body = without_own_pictures(opened.body(opened.toc.html)) if opened.toc.html else to_html(there)
    lines = "<br>\n".join(html.escape(line) for line in heads)
    above = words.html or to_html(words.text.rstrip())
    return plain, f"<div>{above}</div>\n<hr>\n<p>{lines}</p>\n<div>{body}</div>"


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
