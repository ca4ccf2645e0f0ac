"""What every way of confirming ends in: the address is proved, a new session begins, and on to the message."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.translation import get_language

from portal.access import alerts, back, budgets, cookies, devices, language, passkeys, people, places, sessions
from portal.access.models import Session
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.vault.models import Reader

TRUSTED_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis section 5.6.2)."""


def welcome(
    request: Request,
    place: Place,
    reader: Reader,
    *,
    method: str,
    keep: bool,
    level: int = 1,
    provider: str = "",
    factor_at: datetime | None = None,
    anew: bool = True,
) -> HttpResponseRedirect:
    """Sign the person of `reader`'s address in, in place of this browser's old session. Call only after a proof.

    `method`, `level`, `provider`, `factor_at` and `anew` are kept in the session's row
    (portal.access.models.Session). Where the brand's sessions are for one message it is the one of `reader`: proved
    without a message, the address's newest.
    """
    one = place.brand.session_scope == "message"
    person = people.of_reader(reader)
    language.remember(person, get_language() or "")
    token = sessions.begin(
        person,
        place.brand,
        keep=keep,
        method=method,
        level=level,
        provider=provider,
        factor_at=factor_at,
        anew=anew,
        reader=_only(request.session_row, place, reader) if one else None,
        device=devices.named(request.headers.get("User-Agent", "")),
        instead_of=request.session_row,
    )
    trusted = cookies.read(request, cookies.TRUSTED) or cookies.new_token()
    lookup, by_passkey = bytes(reader.address_lookup), method == sessions.PASSKEY
    is_new = budgets.trust(cookies.digest(trusted), lookup, timezone.now(), passkey=by_passkey)
    if is_new and keep:
        alerts.warn(Outbound.Kind.KEPT, reader, "")
    if method != sessions.PASSKEY:  # a provider's word is of today too, and where no passcodes are sent the only one
        passkeys.mailbox_proved(person, place.brand, cookies.digest_of(request, cookies.BROWSER))
    at = place.reader
    how = {"provider": provider} if provider else {}
    record(
        "recipient.confirmed",
        message=at.message_id if at else None,
        reader=at.id if at else None,
        method=method,
        kept=keep,
        device=devices.sort_of(request.headers.get("User-Agent", "")),
        language=get_language() or "",
        **how,
    )
    at_message = places.at_link(reader) if one and place == places.neutral(place.brand) else place
    response = see_other(back.goal(request, at_message))
    back.forget(request, response)
    sessions.set_cookie(response, token, keep=keep)
    cookies.write(response, cookies.TRUSTED, trusted, TRUSTED_SECONDS)
    rotate_token(request)
    return response


def _only(before: Session | None, place: Place, reader: Reader) -> Reader:
    """The one message of the new session. Proved anew for the settings it stays what it was, for the same person."""
    kept = before.reader if before is not None and people.reads(before.person, reader) else None
    return kept if kept is not None and place == places.settings(place.brand) else reader
