"""`POST /api/v1/messages`: a program hands in one mail."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

from portal.api import tokens
from portal.api.admitting import admit
from portal.api.errors import BodyCut, LengthMissing, MethodRefused, TypeRefused
from portal.api.models import Token
from portal.api.problems import problem
from portal.api.scopes import Scope
from portal.ingest.data import LineEnds
from portal.ingest.errors import AddressRefused, NotTaken, SpoolUnavailable, TooLarge
from portal.ingest.intake import HIDDEN, Intake, Named

_CHUNK = 256 * 1024


@tokens.required(Scope.MESSAGES_SEND)
def messages(request: HttpRequest, token: Token) -> HttpResponse:
    """202 with the id once the mail is durable; its sender and recipients are in its header or beside it."""
    if request.method != "POST":
        raise MethodRefused
    if request.content_type != "message/rfc822":
        raise TypeRefused
    try:
        length = _length(request)
        intake = Intake(_named(request).admitted(admit(token)), length, hide=HIDDEN)
        try:
            _feed(request, intake, length)
            return JsonResponse({"id": str(intake.finish().commit())}, status=202)
        finally:
            intake.discard()
    except (NotTaken, SpoolUnavailable) as refused:
        return problem(refused.status, refused.title, str(refused))


def _length(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise LengthMissing
    if int(length) > settings.LETTERLOCK.max_message_bytes:
        raise TooLarge(settings.LETTERLOCK.max_message_bytes)
    return int(length)


def _named(request: HttpRequest) -> Named:
    """Addresses come in headers, for URLs end up in logs."""
    sender = request.headers.get("Letterlock-Sender")
    recipients = request.headers.get("Letterlock-Recipients")
    return Named(
        "api",
        None if sender is None else _address(sender),
        None if recipients is None else tuple(_address(word) for word in recipients.split(",") if word.strip()),
    )


def _address(value: str) -> str:
    """WSGI gives header bytes as Latin-1 (PEP 3333); addresses are UTF-8 (RFC 6532)."""
    try:
        text = value.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        raise AddressRefused from None
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _feed(request: HttpRequest, intake: Intake, length: int) -> None:
    """The body is sealed as it is read: it is never whole in memory and never in a temporary file."""
    line_ends = LineEnds()
    received = 0
    try:
        while chunk := request.read(_CHUNK):
            received += len(chunk)
            intake.feed(line_ends.feed(chunk))
    except UnreadablePostError:
        raise BodyCut from None
    if received != length:
        raise BodyCut
    intake.feed(line_ends.finish())
