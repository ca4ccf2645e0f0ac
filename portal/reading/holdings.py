"""What else a message holds, in words: invitations, messages inside, signatures and encryption that are not ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.languages import say_weekday
from branding.templatetags.words import zone
from portal.mime.calendars import Event, Rule, at
from portal.mime.plain import to_html
from portal.mime.zones import DAYS
from portal.vault.toc import Card, File, Inner, Toc

_CLOCK = "H:i"
_LONG_NOTES = 400  # characters; longer ones are folded away


def of_message(toc: Toc, link: str, *, may_download: bool) -> dict[str, Any]:
    """What the page of the message shows of all this."""
    return {
        "protections": sentences(toc.protections),
        "cards": _cards(toc.cards, toc.files, link, may_download=may_download),
        "inner": _lines(toc, toc.files, link),
    }


def of_inner(toc: Toc, inner: Inner, link: str, *, may_download: bool) -> dict[str, Any]:
    """The same for the page of a message inside."""
    return {
        "protections": sentences(inner.protections),
        "cards": _cards(toc.cards, inner.files, link, may_download=may_download),
        "inner": _lines(toc, inner.files, link),
    }


def sentences(protections: Sequence[str]) -> list[str]:
    """What to say of signatures and encryption that the mail brought along, none of which is checked."""
    known = {
        "smime-signed": _("This message carries an S/MIME signature, which Letterlock has not checked."),
        "openpgp-signed": _("This message carries an OpenPGP signature, which Letterlock has not checked."),
        "smime-encrypted": _(
            "Part of this message is encrypted with S/MIME. It is shown as a file; open it with your own key."
        ),
        "openpgp-encrypted": _(
            "Part of this message is encrypted with OpenPGP. It is shown as a file; open it with your own key."
        ),
        "openpgp-inline": _(
            "Part of this text is encrypted with OpenPGP. Copy it into a program that has your own key."
        ),
    }
    return [known[protection] for protection in protections if protection in known]


def _lines(toc: Toc, files: Sequence[File], link: str) -> list[dict[str, Any]]:
    """The messages that were read from these files."""
    numbers = {file.number for file in files}
    return [
        {
            "url": f"/m/{link}/inner/{inner.number}",
            "subject": inner.subject,
            "sender": inner.sender.name or inner.sender.address,
            "sent_at": inner.sent_at,
        }
        for inner in toc.inner
        if inner.of in numbers
    ]


# ---------- invitations ----------


def _cards(cards: Sequence[Card], files: Sequence[File], link: str, *, may_download: bool) -> list[dict[str, Any]]:
    numbers = {file.number for file in files}
    return [_card(card, link, may_download=may_download) for card in cards if card.file in numbers]


def _card(card: Card, link: str, *, may_download: bool) -> dict[str, Any]:
    event = card.event
    starts = at(event.start, event.start_offset)
    known = starts if isinstance(starts, datetime) and event.start_offset is not None else None
    return {
        "kind": _kind(event),
        "cancelled": event.cancelled,
        "what": event.what,
        "when": _when(event),
        "zone": _zone(event, starts),
        "starts": known,
        # The page's script says both again for the reader's own zone.
        "here": format_html("<span data-local-zone>{}</span>", zone(known)) if known else "",
        "repeats": _repeats(event),
        "where": to_html(event.where),
        "organiser": event.organiser or event.organiser_address,
        "organiser_address": event.organiser_address if event.organiser else "",
        "attendees": ngettext("{n} person is invited", "{n} people are invited", event.attendees).format(
            n=event.attendees
        )
        if event.attendees
        else "",
        "notes": to_html(event.notes, _("Show quoted text")),
        "long_notes": len(event.notes) > _LONG_NOTES,
        "others": ngettext("The file holds {n} more event.", "The file holds {n} more events.", event.others).format(
            n=event.others
        )
        if event.others
        else "",
        "url": f"/m/{link}/file/{card.file}" if may_download else "",
    }


def _kind(event: Event) -> str:
    answers = {
        "accepted": _("The invitation was accepted"),
        "declined": _("The invitation was declined"),
        "tentative": _("The invitation was answered with “maybe”"),
    }
    if event.method == "reply":
        return answers.get(event.answer, _("Answer to an invitation"))
    if event.method == "counter":
        return _("Another time is proposed")
    if event.cancelled:
        return _("This event was cancelled")
    if event.method == "request":
        return _("Invitation, changed since it was first sent") if event.updated else _("Invitation")
    return _("Calendar event")


def _when(event: Event) -> str:
    start = at(event.start, event.start_offset)
    end = at(event.end, event.end_offset) if event.end else None
    first, last = say_weekday(start), say_weekday(end) if end else ""
    if not isinstance(start, datetime):
        if last:
            return _("From {first} to {last}, all day").format(first=first, last=last)
        return _("{day}, all day").format(day=first)
    begins = date_format(start, _CLOCK)
    if not isinstance(end, datetime):
        return _("{day}, {begins}").format(day=first, begins=begins)
    ends = date_format(end, _CLOCK)
    if first == last:
        return _("{day}, {begins} to {ends}").format(day=first, begins=begins, ends=ends)
    return _("{first}, {begins} to {last}, {ends}").format(first=first, begins=begins, last=last, ends=ends)


def _zone(event: Event, starts: date) -> str:
    if not isinstance(starts, datetime):
        return ""
    if not event.zone:
        return _("The invitation names no time zone: it means this time of day wherever you are.")
    if event.start_offset is None:
        return _("The time zone is called “{zone}”, which is not known here. Ask the organiser if in doubt.").format(
            zone=event.zone
        )
    return _("Time zone: {zone}").format(zone=event.zone.replace("_", " "))


def _repeats(event: Event) -> list[str]:
    found = [_("This concerns one date of a series.")] if event.one_of_many else []
    return found + _rule(event.rule) if event.rule else found


def _rule(rule: Rule) -> list[str]:
    every = {
        "DAILY": ngettext("Repeats every day.", "Repeats every {n} days.", rule.interval),
        "WEEKLY": ngettext("Repeats every week.", "Repeats every {n} weeks.", rule.interval),
        "MONTHLY": ngettext("Repeats every month.", "Repeats every {n} months.", rule.interval),
        "YEARLY": ngettext("Repeats every year.", "Repeats every {n} years.", rule.interval),
    }
    if rule.every not in every:
        return [_("Repeats by a rule of its own; open the calendar file to see all dates.")]
    found = [every[rule.every].format(n=rule.interval)]
    if rule.days:
        days = get_text_list([str(WEEKDAYS[DAYS.index(day)]) for day in rule.days], _("and"))
        found.append(_("On these days: {days}.").format(days=days))
    if rule.until:
        found.append(_("Last on {day} at the latest.").format(day=say_weekday(date.fromisoformat(rule.until))))
    elif rule.count:
        found.append(ngettext("It takes place {n} time.", "It takes place {n} times.", rule.count).format(n=rule.count))
    return found
