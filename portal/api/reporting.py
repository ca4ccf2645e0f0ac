"""The figures of the reports page for programs: the same counts, as numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from django.utils import timezone

from portal.api.endpoint import Call
from portal.api.errors import ParameterRefused
from portal.api.ids import SLUG
from portal.api.shapes import Says
from portal.operations import reporting
from portal.operations.counting import Kind
from portal.operations.domains import Named


@dataclass(frozen=True)
class ReportAsked:
    """Of which days, both whole, in the installation's time zone; without them the last 30."""

    since: Annotated[date | None, Says("first day")] = None
    until: Annotated[date | None, Says("last day; without it today")] = None
    brand: Annotated[str | None, Says("short name; without it all", 1, 50, SLUG)] = None


@dataclass(frozen=True)
class Count:
    word: Annotated[str, Says("what is counted; empty for what is not known or has none")]
    number: int


@dataclass(frozen=True)
class DomainCount:
    domain: Annotated[str | None, Says("null for those that fewer than five people share, and for the rest")]
    number: int


@dataclass(frozen=True)
class DayCount:
    day: date
    protected: int
    recipients: int
    opened: Annotated[int, Says("of those recipients, whenever they did")]


@dataclass(frozen=True)
class Waited:
    """Seconds from sealing to the first opening, right to a tenth; null while nobody has."""

    quarter: Annotated[int | None, Says("a quarter was quicker")]
    median: int | None
    three_quarters: Annotated[int | None, Says("a quarter took longer")]


@dataclass(frozen=True)
class RuleCount:
    rule: Annotated[str, Says("its id")]
    only_logged: bool
    number: int


@dataclass(frozen=True)
class ReportShown:
    """Figures; no list names a recipient."""

    since: date
    until: date
    counted_until: Annotated[datetime | None, Says("what was recorded later is not counted yet")]
    protected: int
    answers: Annotated[int, Says("messages that were written here")]
    recipients: int
    opened: int
    waited: Waited
    days: Annotated[tuple[DayCount, ...], Says("each day, the oldest first")]
    methods: Annotated[tuple[Count, ...], Says("why they are protected: user, rule, default")]
    templates: Annotated[tuple[Count, ...], Says("rights templates by short name")]
    brands: tuple[Count, ...]
    recipient_domains: Annotated[tuple[DomainCount, ...], Says("five at most, and the rest")]
    sender_domains: tuple[DomainCount, ...]
    mails_in: Annotated[tuple[Count, ...], Says("by what was decided; of all brands")]
    notices: Annotated[tuple[Count, ...], Says("sent, bounced")]
    confirmed: Annotated[tuple[Count, ...], Says("how addresses were proved")]
    passcodes: Annotated[tuple[Count, ...], Says("at messages: asked, sent, wrong, right, read")]
    failed: Annotated[tuple[Count, ...], Says("what did not let someone in")]
    devices: tuple[Count, ...]
    languages: tuple[Count, ...]
    readers_did: tuple[Count, ...]
    stored_bytes: Annotated[int, Says("sealed bytes that are kept now")]
    rules: tuple[RuleCount, ...]
    incidents: Annotated[tuple[Count, ...], Says("reported to people inside, by severity: high, medium, low or none")]


def report(call: Call[ReportAsked, None]) -> ReportShown:
    """Of a period."""
    asked = call.query
    given = {
        "from": asked.since.isoformat() if asked.since else "",
        "to": asked.until.isoformat() if asked.until else "",
        "brand": asked.brand or "",
    }
    wanted = reporting.asked(given)
    if wanted.bad:
        raise ParameterRefused(
            "since", f"is to be named, not after until, and at most {reporting.MOST_DAYS} days before"
        )
    found = reporting.whole(wanted, timezone.now())
    waits = found.waits
    return ReportShown(
        since=wanted.since,
        until=wanted.until,
        counted_until=found.until,
        protected=found.protected,
        answers=found.total(Kind.ANSWERS),
        recipients=found.recipients,
        opened=found.opened,
        waited=Waited(_whole(waits.quartile), _whole(waits.median), _whole(waits.third_quartile)),
        days=tuple(DayCount(day.day, day.protected, day.recipients, day.opened) for day in found.days),
        methods=_counts(found.of(Kind.SEALED)),
        templates=_counts(found.of(Kind.TEMPLATE)),
        brands=_counts(found.brands),
        recipient_domains=_domains(found.to),
        sender_domains=_domains(found.from_),
        mails_in=_counts(found.of(Kind.CAME)),
        notices=_counts(found.of(Kind.DELIVERED)),
        confirmed=_counts(found.of(Kind.CONFIRMED)),
        passcodes=_counts(found.of(Kind.PASSCODE)),
        failed=_counts(found.of(Kind.FAILED)),
        devices=_counts(found.of(Kind.DEVICE)),
        languages=_counts(found.of(Kind.LANGUAGE)),
        readers_did=_counts(found.of(Kind.DID)),
        stored_bytes=found.stored,
        rules=tuple(RuleCount(*one) for one in found.rules),
        incidents=_counts(found.of(Kind.INCIDENT)),
    )


def _counts(words: Counter[str]) -> tuple[Count, ...]:
    return tuple(Count(word, number) for word, number in words.most_common())


def _domains(named: tuple[Named, ...]) -> tuple[DomainCount, ...]:
    return tuple(DomainCount(one.domain or None, one.number) for one in named)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
