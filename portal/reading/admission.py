"""Who may see a message: the one check before every byte, and the page that says why not."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import back, levels, more, places, sessions, shares, way_in
from portal.access.errors import TooManyTries
from portal.access.requests import Request
from portal.audit.record import record
from portal.keys.errors import KeyDestroyed, KeysError
from portal.reading import actions, afterwards, looking, more_time
from portal.reading.failures import no_keys
from portal.vault import readers, unsent
from portal.vault.errors import (
    BlobsUnavailable,
    EmptyStream,
    KeyringOlder,
    MessageAway,
    NotAStream,
    ShareNeeded,
    ShareRefused,
    UnknownSuite,
    UnknownVersion,
    VaultError,
)
from portal.vault.models import Message, Reader
from portal.vault.opening import Opened, open_message

log = logging.getLogger(__name__)
P = ParamSpec("P")
_SHOWING = (200, 206)
Page = Callable[Concatenate[Request, Reader, Opened, P], HttpResponseBase]
View = Callable[Concatenate[Request, str, P], HttpResponseBase]


def page(view: Page[P]) -> View[P]:
    """A page about one message: shows the way in, or why not, to whoever may not see it."""
    return _admitting(view, content=False)


def content(view: Page[P]) -> View[P]:
    """A part of one message: 404 for everyone it is not for, so that nothing is told (P5)."""
    return _admitting(view, content=True)


def _admitting(view: Page[P], *, content: bool) -> View[P]:
    @wraps(view)
    def admitted(request: Request, link: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        reader = proved(request, link, content=content)
        if not isinstance(reader, Reader):
            return reader
        try:
            answer = view(request, reader, open_message(reader, shares.kept(request)), *args, **kwargs)
            if request.method == "GET" and answer.status_code in _SHOWING and reader.first_opened_at is None:
                looking.note(request, reader)  # whoever goes past the message's page has opened it all the same
            return answer
        except ShareNeeded as error:
            if content:
                raise Http404 from None
            return without_share(request, reader, wrong=isinstance(error, ShareRefused))
        except KeyDestroyed:
            return problem(request, reader.message, "gone", 410)
        except MessageAway:
            if content:
                raise Http404 from None
            return problem(request, reader.message, "away", 404)
        except (KeysError, KeyringOlder, BlobsUnavailable) as error:
            reference = secrets.token_hex(4)
            log.error("reference %s: message %s cannot be opened now: %s", reference, reader.message_id, error)
            return no_keys(request, reference)
        except VaultError as error:
            return damaged(request, reader, error)

    return cast(View[P], admitted)


def proved(request: Request, link: str, *, content: bool) -> Reader | HttpResponseBase:
    """The reader of a link whose address is proved in this browser, as well as the open message takes, or the page that
    says why not; Http404 when a part of a message was asked for."""
    bare, share = shares.mangled(link)
    reader = readers.by_link(bare or link)
    person = request.person
    if reader is None or reader.message.brand_id != request.brand.pk:
        if content:
            raise Http404
        return way_in.neutral(request)
    if share and not content:
        return _unmangled(reader, share)
    if person is None:
        return HttpResponseRedirect(f"/m/{link}") if content else way_in.choose(request, reader)
    if bytes.fromhex(person.lookup) != bytes(reader.address_lookup):
        if content:
            raise Http404
        return way_in.other_address(request, reader)
    if not sessions.opens(request.session_row, reader):  # theirs, in a session that is for another message
        return HttpResponseRedirect(f"/m/{link}") if content else way_in.choose(request, reader)
    if readers.is_closed_to(reader, timezone.now()):
        return closed(request, reader)
    return _proved_enough(request, reader, content=content)


def _proved_enough(request: Request, reader: Reader, *, content: bool) -> Reader | HttpResponseBase:
    """The reader once the session's level is what the message takes (docs/assurance.md)."""
    try:
        enough = levels.is_enough(request.session_row, reader)
    except VaultError as error:
        return damaged(request, reader, error)
    if enough:
        return reader
    if content:
        raise Http404
    response = more.page(request, reader)
    if request.method in ("GET", "HEAD"):  # a page, to which they can come back
        back.keep(request, response, places.at_link(reader), always=True)
    return response


def _unmangled(reader: Reader, share: bytes) -> HttpResponse:
    # At once to the right address, with the share in the cookie: a page shown here would have the share in its own
    # address, and so in the Referer of all that it loads and in the browser's history.
    response = HttpResponseRedirect(f"/m/{readers.link_of(reader)}", status=303)
    if reader.message.split:
        shares.keep(response, reader, share)
    return response


def without_share(request: Request, reader: Reader, *, wrong: bool) -> HttpResponse:
    """The page that asks for the message code. A wrong one in the cookie is taken back, and counts."""
    if not wrong:
        return ask_share(request, reader)
    try:
        shares.may_try(request, reader)
    except TooManyTries as error:
        response = way_in.too_many_tries(request, error, reader)
    else:
        shares.count_wrong(request, reader)
        response = ask_share(request, reader, wrong_share())
    shares.drop(response, reader)
    return response


def wrong_share() -> str:
    """What the page says of a code that opens nothing."""
    return _("That code does not belong to this message. Compare it with the email that told you about this message.")


def ask_share(request: Request, reader: Reader, error: str = "") -> HttpResponse:
    """The page that asks for the message code of a split message, and takes it from the link where scripts run."""
    context = {**places.at_link(reader).context(), "error": error, "code_url": f"/m/{readers.link_of(reader)}/code/"}
    return render(request, "reading/code.html", context, status=way_in.REFUSED if error else 200)


def closed(request: Request, reader: Reader) -> HttpResponse:
    """R5 for a message that was withdrawn, is past its time, or is gone before it."""
    message = reader.message
    over = message.open_until is not None and message.open_until <= timezone.now()
    if reader.withdrawn_at is not None or message.state == Message.State.WITHDRAWN:
        kind = "withdrawn"
    elif message.state == Message.State.GONE and not over:
        kind = "gone"
    else:
        # Its date is why it closed, whether its keys are destroyed by now or not.
        kind = "closed"
    more_time_ = more_time.offer(request, reader) if kind == "closed" else {}
    return problem(request, message, kind, 410, {**answering(request, reader), **more_time_})


def answering(request: Request, reader: Reader) -> dict[str, Any]:
    """Where a closed message can still be answered, and until when; nothing where it cannot."""
    last = afterwards.offered(request, reader)
    url = f"/m/{readers.link_of(reader)}/{actions.PATHS[unsent.REPLY]}"
    return {"reply_url": url, "reply_until": last} if last else {}


def damaged(request: Request, reader: Reader, error: VaultError) -> HttpResponse:
    """R5 for sealed bytes that do not open: nothing of them is shown, and it is recorded."""
    log.error("message %s is damaged: %s", reader.message_id, error)
    reason, posted = type(error).__name__, reader.parked is not None
    record("message.damaged", message=reader.message_id, reader=reader.id, reason=reason, posted=posted)
    return problem(request, reader.message, _kind(error), 500)


def _kind(error: VaultError) -> str:
    """What the page says of it: to send a message again helps against damage, and not against older software."""
    kinds: dict[type[VaultError], str] = {
        UnknownVersion: "version",
        UnknownSuite: "suite",
        NotAStream: "other",
        EmptyStream: "empty",
    }
    return kinds.get(type(error), "damaged")


def problem(
    request: Request, message: Message, kind: str, status: int, more: dict[str, Any] | None = None
) -> HttpResponse:
    """R5. A reference ties what the person reports to the log."""
    envelope = readers.envelope_of(message)
    reference = secrets.token_hex(4)
    log.info("reference %s: message %s is %s", reference, message.id, kind)
    context: dict[str, Any] = {
        "kind": kind,
        "sender_name": envelope.sender_name or envelope.sender_address,
        "sender_address": envelope.sender_address,
        "open_until": message.open_until,
        "reference": reference,
        **(more or {}),
    }
    return render(request, "reading/problem.html", context, status=status)
