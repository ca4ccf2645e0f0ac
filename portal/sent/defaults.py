"""S4: what holds for the mails that somebody sends, where a mail does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.access import people, said, sender_defaults, sender_door
from portal.access.models import Session
from portal.access.requests import Request
from portal.access.sender_defaults import Defaults
from portal.audit.record import record
from portal.directory.membership import groups_of_one
from portal.vault import templates

EACH, DAILY, NEVER = "each", "day", "never"
"""When a sender is told that a message was opened."""


@dataclass(frozen=True)
class Typed:
    """The form as it was filled in."""

    days: str
    told: str
    template: str


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def settings(request: Request, session: Session) -> HttpResponse:
    """The form, and what it keeps. Nothing is kept where one of its fields is wrong."""
    now = sender_defaults.of(session.person, session.brand)
    offered = _offered(session, now)
    if request.method != "POST":
        days = "" if now.open_days is None else str(now.open_days)
        return _page(request, session, offered, Typed(days, _told(now), now.template))
    typed = Typed(
        request.POST.get("open_days", "").strip()[:6],
        request.POST.get("receipts", NEVER),
        request.POST.get("template", ""),
    )
    wrong = _wrong(typed, offered, session.brand.open_days)
    if any(wrong.values()):
        return _page(request, session, offered, typed, wrong)
    # What was sent before asks to be told as well: with "never" it goes on as it was.
    digest = now.digest if typed.told == NEVER else typed.told == DAILY
    chosen = Defaults(int(typed.days) if typed.days else None, typed.told != NEVER, digest, typed.template)
    with transaction.atomic():
        sender_defaults.keep(session.person, session.brand, chosen)
        if chosen != now:
            record(
                "sender.defaults_changed",
                by=str(session.person_id),
                open_days=chosen.open_days,
                receipts=chosen.receipts,
                digest=chosen.digest,
                template=chosen.template,
            )
    return said.see_said(reverse("sent-settings"), "saved", session)


def _offered(session: Session, now: Defaults) -> list[tuple[str, str]]:
    """Templates by short name; what is chosen stays in the list when it is offered no more, for it still holds."""
    rows = templates.offered(people.address_of(session.person), groups_of_one)
    if now.template and now.template not in {row.slug for row in rows} and (kept := templates.find(now.template)):
        rows = [*rows, kept]
    return [(row.slug, templates.name_of(row)) for row in rows]


def _told(now: Defaults) -> str:
    return (DAILY if now.digest else EACH) if now.receipts else NEVER


def _wrong(typed: Typed, offered: list[tuple[str, str]], most: int) -> dict[str, str]:
    """A sentence for each field; "" where it is well."""
    listed = _("Choose one of the list.")
    return {
        "bad_days": _days_error(typed.days, most),
        "bad_receipts": "" if typed.told in (EACH, DAILY, NEVER) else listed,
        "bad_template": "" if typed.template in {"", *dict(offered)} else listed,
    }


def _days_error(typed: str, most: int) -> str:
    if not typed or (typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= most):
        return ""
    said = ngettext("Enter 1 day, or nothing.", "Enter a number of days from 1 to {n}, or nothing.", most)
    return said.format(n=most)


def _page(
    request: Request,
    session: Session,
    offered: list[tuple[str, str]],
    typed: Typed,
    wrong: Mapping[str, str] = MappingProxyType({}),
) -> HttpResponse:
    faulty = any(wrong.values())
    context = {
        "back_url": reverse("sent-messages"),
        "offered": offered,
        "days": typed.days,
        "most": session.brand.open_days,
        "told": typed.told,
        "template": typed.template,
        **wrong,
        "faulty": faulty,
        "saved": said.word(request, session) == "saved" and not faulty,
    }
    return render(request, "sent/settings.html", context, status=422 if faulty else 200)
