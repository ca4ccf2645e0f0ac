"""The forms of this room: written, saved by themselves or when asked, sent, and the page that confirms it."""

from __future__ import annotations

import logging
from functools import partial
from typing import cast
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import back, expired, passkey_settings, places
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.models import Entry
from portal.ids import id_of
from portal.mime.addresses import Mailbox
from portal.reading import actions, admission, afterwards, letters, looking
from portal.vault import arriving, readers, unsent
from portal.vault.models import Reader, Unsent
from portal.vault.opening import Opened
from portal.vault.readers import link_of
from portal.writing import closed, drafts, forms, late, recipients, replying, waiting
from portal.writing.failing import NOT_NOW
from portal.writing.forms import Fault, Written
from portal.writing.uploads import REPLY_FILES_BYTES

log = logging.getLogger(__name__)

_NEVER = UUID(int=0)
"""The version that a window knows which has seen no draft."""


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: Request, link: str, kind: str) -> HttpResponseBase:
    """R11, for one of portal.vault.unsent.KINDS. Refused without its right, and to the author of the message."""
    if request.method != "POST":
        return _shown(request, link, kind)
    admitted = False

    @admission.page
    def page(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
        nonlocal admitted
        admitted = True
        return _answer(request, reader, opened, kind)

    kept = request.person is None and late.keep(request, link, kind)
    answer = page(request, link)
    if answer.status_code == 410 and kind == unsent.REPLY and (reader := afterwards.reader_of(request, link)):
        return closed.write(request, reader)
    if admitted:
        return answer
    # For no proof waits what is closed, leads nowhere or cannot be opened now: there the words are shown at once.
    leads_in = answer.status_code not in (303, 404, 410) and answer.status_code < 500
    waits = not kept and leads_in and waiting.keep(request, link, kind)
    if is_script(request):
        return late.said(kept=kept or waits)
    if waits:
        return see_other(request.path)
    return answer if kept else late.shown_again(request, link, answer)


def _shown(request: Request, link: str, kind: str) -> HttpResponseBase:
    """The form, with what waits for its reader in this browser; or the way in, which leads back to it."""
    admitted = False

    @admission.page
    def page(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
        nonlocal admitted
        admitted = True
        return _begun(request, reader, opened, kind)

    draft = waiting.found(request, link, kind)
    if draft is not None:
        request.session_ended = waiting.sentence()
    answer = page(request, link)
    if answer.status_code == 410:
        return _closed(request, link, kind, answer, draft.words if draft else None)
    if draft is not None and not admitted and (reader := readers.by_link(link)):
        back.keep(request, cast(HttpResponse, answer), places.at_link(reader), always=True)
    return answer


def _closed(
    request: Request, link: str, kind: str, answer: HttpResponseBase, words: unsent.Words | None
) -> HttpResponseBase:
    """What is closed to whoever is proved: where it can still be answered the form, else their own words to copy."""
    if kind == unsent.REPLY and (reader := afterwards.reader_of(request, link)):
        return closed.write(request, reader, words)
    return late.shown_over(request, link, words, answer) if words and request.method == "GET" else answer


def _begun(request: Request, reader: Reader, opened: Opened, kind: str) -> HttpResponse:
    if not actions.may(kind, reader, opened):
        raise Http404
    faults = _taken_up(request, reader, opened, kind) if request.method == "GET" else []
    row = drafts.readable(reader, opened, kind)
    words = unsent.words_of(opened, row) if row else begun(kind, reader, opened)
    return _form(request, reader, opened, kind, row, words, faults)


def _taken_up(request: Request, reader: Reader, opened: Opened, kind: str) -> list[Fault]:
    try:
        return list(waiting.take_up(request, reader, opened, kind))
    except NOT_NOW as error:  # it waits on
        log.error("what waits at message %s is not taken up: %s", reader.message_id, type(error).__name__)
        return []


def _answer(request: Request, reader: Reader, opened: Opened, kind: str) -> HttpResponseBase:
    if not actions.may(kind, reader, opened):
        raise Http404
    _taken_up(request, reader, opened, kind)
    row = drafts.readable(reader, opened, kind)
    form = partial(_form, request, reader, opened, kind)
    do, _sep, which = request.POST.get("do", "send").partition("-")
    if do == "delete":
        drafts.drop(reader, kind)
        return see_other(f"/m/{link_of(reader)}")
    written = forms.read(request, kind, reader, opened, drafts.files(opened, row))
    if do == "send":
        return _send(request, reader, opened, kind, written)
    saved, faults = _saved(reader, opened, kind, written)
    if is_script(request):
        return _told(saved, faults)
    if faults:
        return form(saved.row if saved else row, written.words, faults)
    if do == "remove" and which:
        drafts.remove_file(reader, kind, id_of(which))
    if do == "swap":
        unsent.swap(reader, kind)
    return see_other(request.path)


def _send(request: Request, reader: Reader, opened: Opened, kind: str, written: Written) -> HttpResponseBase:
    """On to the page that confirms it; else the form again, with all that was written and the draft that holds it."""
    faults, status = [*written.faults, *forms.against_sending(written)], 422
    if not faults:
        try:
            named = recipients.offered(kind, reader, opened)
            id_ = replying.send(reader, opened, kind, _whole(reader, opened, kind, written), named)
        except replying.TooManyForwards as error:
            faults = [Fault("to", recipients.too_many(error.left))]
        except NOT_NOW as error:
            log.error("an answer to message %s was not taken: %s", reader.message_id, type(error).__name__)
            status = 503
        else:
            _forget(reader, opened, kind, written)
            return HttpResponseRedirect(f"/m/{link_of(reader)}/sent/{id_}", status=303)
    saved, against_saving = _saved(reader, opened, kind, written)
    if status == 503:
        sentence = (
            _("Your reply was not sent. It is saved as a draft. Try again.")
            if saved and not against_saving
            else _("Your reply was not sent. What you wrote is still here. Try again in a few minutes.")
        )
        faults = [Fault("message", sentence)]
    elif unsaved := [fault for fault in against_saving if fault not in faults]:
        faults += unsaved
    row = saved.row if saved else unsent.of_reader(reader, kind)
    return _form(request, reader, opened, kind, row, written.words, faults, status=status)


def _whole(reader: Reader, opened: Opened, kind: str, written: Written) -> replying.Answer:
    """The answer with those files of its draft that its writer saw in the form."""
    there = [file for file in unsent.files_of(opened, unsent.of_reader(reader, kind)) if file.id in written.kept]
    return replying.Answer(written.to, written.words, [*there, *written.uploads])


def _saved(reader: Reader, opened: Opened, kind: str, written: Written) -> tuple[drafts.Saved | None, list[Fault]]:
    """The draft with what could be kept of the form, and why not the rest."""
    faults = list(written.faults)
    if any(fault.field == "message" for fault in faults):
        return None, faults  # longer than anything that is kept; the page has it still
    try:
        return drafts.save(reader, opened, kind, written), faults
    except NOT_NOW as error:
        log.error("a draft at message %s was not saved: %s", reader.message_id, type(error).__name__)
        sentence = _("Your draft was not saved. What you wrote is still here. Try again in a few minutes.")
        return None, [*faults, Fault("message", sentence)]


def _forget(reader: Reader, opened: Opened, kind: str, written: Written) -> None:
    try:
        drafts.sent(reader, opened, kind, written)
    except NOT_NOW as error:
        # The answer is on its way; a draft too many is no reason to say that it is not.
        log.error("a draft at message %s was not deleted: %s", reader.message_id, type(error).__name__)


def _told(saved: drafts.Saved | None, faults: list[Fault]) -> JsonResponse:
    """For the script that saves by itself: when it was saved, as which version, and what it went over."""
    if faults:
        return JsonResponse({"said": faults[0].sentence}, status=422)
    row = saved.row if saved else None
    other = row.other_at if saved and row and saved.unseen else None
    return JsonResponse(
        {
            "version": row.version.hex if row else "",
            "saved_at": row.saved_at.isoformat() if row else "",
            "other_at": other.isoformat() if other else "",
        }
    )


def is_script(request: Request) -> bool:
    return request.headers.get("Accept") == "application/json"


def begun(kind: str, reader: Reader, opened: Opened) -> unsent.Words:
    """The form before anything is written."""
    to = recipients.begun(kind, reader, opened)
    return unsent.Words(replying.subject_of(opened, kind), to=to, original=actions.may_quote(kind, opened))


def _again(request: Request, link: str, kind: str) -> HttpResponseBase:
    """The form with what was written, when it was open for too long; files that were just chosen are not kept."""

    admitted = False

    @admission.page
    def page(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
        nonlocal admitted
        admitted = True
        if not actions.may(kind, reader, opened):
            raise Http404
        row = unsent.of_reader(reader, kind)
        written = forms.read(request, kind, reader, opened, drafts.files(opened, row))
        faults = [Fault("message", expired.sentence(request))]
        if written.uploads:
            faults.append(Fault("files", _("Choose your files again.")))
        return _form(
            request,
            reader,
            opened,
            kind,
            row,
            written.words,
            faults,
            status=expired.STATUS,
            seen=written.version or _NEVER,
        )

    answer = page(request, link)
    return answer if admitted else late.shown_again(request, link, answer)


for _path in actions.PATHS.values():
    expired.register(_path, _again)


@require_safe
def sent(request: Request, link: str, answer: UUID) -> HttpResponseBase:
    """R12, for an answer that this reader sent; it can be reloaded safely."""
    page = _sent(request, link, answer)
    if page.status_code == 410 and (reader := afterwards.reader_of(request, link)):
        return closed.sent(request, reader, answer) or page
    return page


@admission.page
def _sent(request: Request, reader: Reader, opened: Opened, answer: UUID) -> HttpResponseBase:
    entry = Entry.objects.filter(
        kind__in=("message.replied", "message.forwarded"),
        message=reader.message_id,
        reader=reader.id,
        facts__answer=str(answer),
    ).first()
    if entry is None:
        raise Http404
    forwarded = entry.kind == "message.forwarded"
    # Entries of version 0.1 have neither: those answers went to the sender alone.
    named = recipients.offered(entry.facts.get("form", unsent.REPLY), reader, opened)
    places = [int(place) for place in entry.facts.get("to", "0").split(",")]
    context = {
        "to": "" if forwarded else ", ".join(letters.shown(named[place]) for place in places if place < len(named)),
        "people": entry.facts.get("people", 0),
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
    kind: str,
    row: Unsent | None,
    words: unsent.Words,
    faults: list[Fault],
    *,
    status: int | None = None,
    seen: UUID | None = None,
) -> HttpResponse:
    """R11; `seen` is the draft's version that the writer knows, where that is not the newest."""
    if request.method != "HEAD" and reader.first_opened_at is None:
        looking.note(request, reader)  # the message stands below the form, also below one that was refused
    link = link_of(reader)
    version = seen or (row.version if row else None)
    context = {
        "link": link,
        "kind": kind,
        "to_name": letters.shown(opened.toc.sender),
        "people": [_chip(box, words) for box in recipients.offered(kind, reader, opened)],
        "subject": words.subject,
        "typed": ", ".join(words.to) if kind == unsent.FORWARD else "",
        "allowed": recipients.allowed(reader) if kind == unsent.FORWARD else "",
        "may_quote": kind != unsent.FORWARD and actions.may_quote(kind, opened),
        "may_copy": opened.rights.copy,
        "original_goes": words.original,
        "message_value": words.text,
        "html_value": words.html,
        "errors": faults,
        "limits": forms.limits(),
        "max_bytes": REPLY_FILES_BYTES,
        "action_url": f"/m/{link}/{actions.PATHS[kind]}",
        "back_url": f"/m/{link}",
        "version": version.hex if version else "",
        "saved_at": row.saved_at if row else None,
        "other_at": row.other_at if row and row.other is not None else None,
        "kept": unsent.files_of(opened, row),
        "coming": arriving.of_draft(opened, row),
        "files_url": f"/m/{link}/{actions.PATHS[kind]}/files",
        "original": {
            "sender_name": letters.shown(opened.toc.sender),
            "sent_at": opened.toc.sent_at,
            "text": opened.body(opened.toc.text),
        },
    }
    return render(request, "writing/reply.html", context, status=status or (422 if faults else 200))


def _chip(box: Mailbox, words: unsent.Words) -> dict[str, object]:
    """One person in the form, with the address where the name alone could be anyone's."""
    return {
        "name": letters.shown(box),
        "address": box.address,
        "chosen": box.address in words.to,
    }
