"""The reply form and the page that confirms it."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import DatabaseError
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import expired, passkey_settings
from portal.access.requests import Request
from portal.audit.models import Entry
from portal.ingest.errors import IngestError
from portal.keys.errors import KeysError
from portal.reading import admission, letters
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import link_of
from portal.writing import forms, replying
from portal.writing.uploads import REPLY_FILES_BYTES

log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
@admission.page
def reply(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """R11. Refused without the right to reply, and to the author of the message."""
    if not opened.rights.reply or reader.role != Reader.Role.RECIPIENT or not opened.toc.sender.address:
        raise Http404
    if request.method != "POST":
        return _form(request, reader, opened, replying.Answer(replying.subject_of(opened), "", ()), [])
    answer, faults = forms.read_answer(request, replying.subject_of(opened))
    if faults:
        return _form(request, reader, opened, answer, faults)
    try:
        id_ = replying.send(reader, opened, answer)
    except (OSError, DatabaseError, IngestError, KeysError) as error:
        log.error("an answer to message %s was not taken: %s", reader.message_id, type(error).__name__)
        sentence = _("Your reply was not sent. What you wrote is still here. Try again in a few minutes.")
        return _form(request, reader, opened, answer, [forms.Fault("message", sentence)], status=503)
    return HttpResponseRedirect(f"/m/{link_of(reader)}/sent/{id_}", status=303)


@admission.page
def _reply_again(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The form with what was written, when it was open for too long; chosen files are not kept."""
    if not opened.rights.reply or reader.role != Reader.Role.RECIPIENT or not opened.toc.sender.address:
        raise Http404
    answer, _faults = forms.read_answer(request, replying.subject_of(opened))
    faults = [forms.Fault("message", expired.sentence(request))]
    if answer.files:
        faults.append(forms.Fault("files", _("Choose your files again.")))
    return _form(request, reader, opened, answer, faults, status=expired.STATUS)


expired.register("reply", _reply_again)


@require_safe
@admission.page
def sent(request: Request, reader: Reader, opened: Opened, answer: UUID) -> HttpResponseBase:
    """R12, for an answer that this reader sent; it can be reloaded safely."""
    entry = Entry.objects.filter(
        kind="message.replied", message=reader.message_id, reader=reader.id, facts__answer=str(answer)
    ).first()
    if entry is None:
        raise Http404
    context = {
        "to": letters.shown(opened.toc.sender),
        "sent_at": entry.at,
        "files": entry.facts["files"],
        "message_url": f"/m/{link_of(reader)}",
        **passkey_settings.offer(request),
    }
    return render(request, "writing/sent.html", context)


def _form(
    request: Request,
    reader: Reader,
    opened: Opened,
    answer: replying.Answer,
    faults: list[forms.Fault],
    status: int | None = None,
) -> HttpResponse:
    link = link_of(reader)
    context = {
        "link": link,
        "to_name": letters.shown(opened.toc.sender),
        "subject": answer.subject,
        "message_value": answer.text,
        "errors": faults,
        "limits": forms.limits(),
        "max_bytes": REPLY_FILES_BYTES,
        "action_url": f"/m/{link}/reply",
        "back_url": f"/m/{link}",
        "original": {
            "sender_name": letters.shown(opened.toc.sender),
            "sent_at": opened.toc.sent_at,
            "text": opened.body(opened.toc.text),
        },
    }
    return render(request, "writing/reply.html", context, status=status or (422 if faults else 200))
