"""The form at a message that has closed (portal.reading.afterwards): an answer to its sender, sent or not at all.

No draft is kept there: it would need the key of the message, which is destroyed.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from branding.templatetags.words import plain_moment
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.models import Entry
from portal.mime.addresses import Mailbox
from portal.reading import actions, afterwards, letters
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.readers import envelope_of, link_of
from portal.writing import forms, late, replying
from portal.writing.failing import NOT_NOW
from portal.writing.forms import Fault
from portal.writing.uploads import REPLY_FILES_BYTES

log = logging.getLogger(__name__)


def write(request: Request, reader: Reader, waited: unsent.Words | None = None) -> HttpResponseBase:
    """R11 for whom portal.reading.afterwards lets answer; with the words that waited for that (waiting.py)."""
    sender, subject = _sender(reader), _subject(reader)
    if request.method != "POST":
        words = replace(waited, subject=waited.subject or subject) if waited else unsent.Words(subject=subject)
        return _form(request, reader, words, [], 200)
    if request.headers.get("Accept") == "application/json":
        return late.said(kept=False)
    do = request.POST.get("do", "send")
    if do == "delete":
        return see_other(f"/m/{link_of(reader)}")
    written = forms.read_closed(request, subject, sender)
    faults, status = [*written.faults, *forms.against_sending(written)], 422
    if do != "send":
        faults = [Fault("message", _("The message has closed, so no draft is kept. Send your answer, or copy it."))]
    elif request.POST.getlist("kept"):
        # It closed while they wrote: the files that lay with the draft went with the key.
        faults = [Fault("files", _("The message has closed meanwhile. Choose your files again, then press Send."))]
    if not faults:
        try:
            id_ = replying.send_closed(reader, replying.Answer(written.to, written.words, written.uploads))
        except NOT_NOW as error:
            log.error("an answer to message %s was not taken: %s", reader.message_id, type(error).__name__)
            sentence = _("Your reply was not sent. What you wrote is still here. Try again in a few minutes.")
            faults, status = [Fault("message", sentence)], 503
        else:
            return HttpResponseRedirect(f"/m/{link_of(reader)}/sent/{id_}", status=303)
    if written.uploads:
        faults = [*faults, Fault("files", _("Choose your files again."))]
    return _form(request, reader, written.words, faults, status)


def sent(request: Request, reader: Reader, answer: UUID) -> HttpResponse | None:
    """R12 for such an answer; None when this reader sent none of that id."""
    entry = Entry.objects.filter(
        kind="message.replied", message=reader.message_id, reader=reader.id, facts__answer=str(answer)
    ).first()
    if entry is None:
        return None
    context = {
        "to": letters.shown(_sender(reader)),
        "sent_at": entry.at,
        "files": entry.facts["files"],
        "message_url": f"/m/{link_of(reader)}",
    }
    return render(request, "writing/sent.html", context)


def _sender(reader: Reader) -> Mailbox:
    envelope = envelope_of(reader.message)
    return Mailbox(envelope.sender_name, envelope.sender_address)


def _subject(reader: Reader) -> str:
    """What is known of it without opening it."""
    envelope = envelope_of(reader.message)
    if envelope.subject:
        return f"Re: {envelope.subject}"
    return _("Re: your message of {date}").format(date=plain_moment(envelope.sent_at))


def _form(request: Request, reader: Reader, words: unsent.Words, faults: list[Fault], status: int) -> HttpResponse:
    link = link_of(reader)
    context = {
        "link": link,
        "kind": unsent.REPLY,
        "to_name": letters.shown(_sender(reader)),
        "subject": words.subject,
        "message_value": words.text,
        "html_value": words.html,
        "errors": faults,
        "limits": forms.limits(),
        "max_bytes": REPLY_FILES_BYTES,
        "action_url": f"/m/{link}/{actions.PATHS[unsent.REPLY]}",
        "back_url": f"/m/{link}",
        "still_until": afterwards.until(reader, timezone.now()),
    }
    return render(request, "writing/reply.html", context, status=status)
