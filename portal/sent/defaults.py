"""S4: what holds for the mails that somebody sends, where a mail does not say otherwise."""

from __future__ import annotations

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


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def settings(request: Request, session: Session) -> HttpResponse:
    """The form, and what it keeps. Nothing is kept where one of its fields is wrong."""
    now = sender_defaults.of(session.person, session.brand)
    offered = _offered(session, now)
    if request.method != "POST":
        days = "" if now.open_days is None else str(now.open_days)
        return _page(request, session, offered, days, now.receipts, now.template)
    typed, receipts = request.POST.get("open_days", "").strip()[:6], request.POST.get("receipts") == "yes"
    template = request.POST.get("template", "")
    days_error, template_error = _days_error(typed, session.brand.open_days), template not in dict(offered) | {"": ""}
    if days_error or template_error:
        return _page(request, session, offered, typed, receipts, template, days_error, template_error)
    chosen = Defaults(int(typed) if typed else None, receipts, template)
    with transaction.atomic():
        sender_defaults.keep(session.person, session.brand, chosen)
        if chosen != now:
            record(
                "sender.defaults_changed",
                by=str(session.person_id),
                open_days=chosen.open_days,
                receipts=chosen.receipts,
                template=chosen.template,
            )
    return said.see_said(reverse("sent-settings"), "saved", session)


def _offered(session: Session, now: Defaults) -> list[tuple[str, str]]:
    """Templates by short name; what is chosen stays in the list when it is offered no more, for it still holds."""
    rows = templates.offered(people.address_of(session.person), groups_of_one)
    if now.template and now.template not in {row.slug for row in rows} and (kept := templates.find(now.template)):
        rows = [*rows, kept]
    return [(row.slug, templates.name_of(row)) for row in rows]


def _days_error(typed: str, most: int) -> str:
    if not typed or (typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= most):
        return ""
    said = ngettext("Enter 1 day, or nothing.", "Enter a number of days from 1 to {n}, or nothing.", most)
    return said.format(n=most)


def _page(
    request: Request,
    session: Session,
    offered: list[tuple[str, str]],
    days: str,
    receipts: bool,
    template: str,
    bad_days: str = "",
    bad_template: bool = False,
) -> HttpResponse:
    faulty = bool(bad_days or bad_template)
    context = {
        "back_url": reverse("sent-messages"),
        "offered": offered,
        "days": days,
        "most": session.brand.open_days,
        "receipts": receipts,
        "template": template,
        "bad_days": bad_days,
        "bad_template": _("Choose one of the list.") if bad_template else "",
        "faulty": faulty,
        "saved": said.word(request, session) == "saved" and not faulty,
    }
    return render(request, "sent/settings.html", context, status=422 if faulty else 200)
