"""What is asked of a sender: a message at another address (S5), more time for a closed one. They answer here."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import people, sender_door, sender_requests
from portal.access.models import AskedSender, Session
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.record import record
from portal.keys.errors import KeysError
from portal.lifecycle import asking
from portal.lifecycle.errors import AlreadyReader, LifecycleError
from portal.rules.errors import RulesError
from portal.sent import acting, adding, owning, phrasing, subjects
from portal.vault.errors import VaultError
from portal.vault.models import Reader


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
@sender_door.fresh
def other_address(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """Whoever asked has proved the address; whether it is that person's, the sender alone knows."""
    row, author = _row(session, id_)
    if request.method != "POST" or row.answer:
        return _page(request, session, row, author)
    if request.POST.get("do") == "no":
        with transaction.atomic():
            if sender_requests.answer(row, AskedSender.Answer.NO):
                record("message.request_declined", message=author.message_id, **owning.actor(session, author).facts())
        return see_other(request.path)
    if request.POST.get("do") != "send":
        return _page(request, session, row, author, status=422)
    try:
        with transaction.atomic():
            if sender_requests.answer(row, AskedSender.Answer.SENT):
                adding.added(author, people.address_of(row.person), session)
    except AlreadyReader:
        sender_requests.answer(row, AskedSender.Answer.SENT)
    except LifecycleError as refused:
        return _page(request, session, _row(session, id_)[0], author, phrasing.sentence(refused), 409)
    except (KeysError, VaultError, RulesError):
        return _page(request, session, _row(session, id_)[0], author, str(phrasing.AWAY), 503)
    return see_other(request.path)


@require_POST
@sender_door.required
def no_more_time(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """It stays closed, for everyone who asked. A new date is the other answer."""
    author, _now = acting.owned(session, id_)

    def act() -> None:
        for row in asking.waiting().filter(reader__message=id_):
            asking.decline(row, owning.actor(session, author))

    return acting.done(request, session, author, "refused", act, {}, "declined")


def _row(session: Session, id_: UUID) -> tuple[AskedSender, Reader]:
    row = AskedSender.objects.select_related("person", "reader").filter(pk=id_).first()
    author = owning.own_author_of(session, row.reader.message_id) if row else None
    if row is None or author is None:
        raise Http404
    return row, author


def _page(
    request: Request, session: Session, row: AskedSender, author: Reader, error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "asker": people.address_of(row.person),
        "subject": subjects.of(author, session, timezone.now(), shown=True).subject,
        "note": sender_requests.note_of(row),
        "answer": row.answer,
        "error": error,
        "faulty": bool(error),
        "back_url": reverse("sent-message", args=[author.message_id]),
    }
    return render(request, "sent/asked.html", context, status=status)
