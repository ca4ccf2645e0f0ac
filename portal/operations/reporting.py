"""The figures of a time, from the daily counts alone: what a page of them costs does not grow with the mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import QuerySet, Sum
from django.utils import timezone

from portal.operations import domains, tallying
from portal.operations.counting import Kind, class_begins
from portal.operations.domains import Named
from portal.operations.models import Tally
from portal.rules import counting as rule_counting

USUAL_DAYS, CHOICES = 30, (7, 30, 90)
EARLIEST = 2000
MOST_DAYS = 731
"""Two years are looked at together at most."""
SPANS = (300.0, 900.0, 3600.0, 4 * 3600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0)
"""Ends in seconds of the classes that a histogram shows; the last is open."""


@dataclass(frozen=True)
class Asked:
    """Both days count whole. `brand` is a short name, "" for all."""

    since: date
    until: date
    brand: str = ""
    days: int = 0
    """One of CHOICES when it was asked for as so many days up to today."""
    bad: bool = False
    """What was asked for makes no sense, and this is the usual instead."""

    def query(self, **more: str) -> str:
        """The part of an URL that asks for the same."""
        period = {"days": str(self.days)} if self.days else {"from": str(self.since), "to": str(self.until)}
        found = {**period, "brand": self.brand, **more}
        return urlencode({name: value for name, value in found.items() if value})


@dataclass(frozen=True)
class Day:
    """One day's messages, with how many recipients they had and how many of those have opened theirs by now."""

    day: date
    protected: int
    recipients: int
    opened: int


@dataclass(frozen=True)
class Waits:
    """How long it took to open, in seconds; None while nobody has."""

    median: float | None
    quartile: float | None
    """A quarter was quicker."""
    third_quartile: float | None
    spans: tuple[int, ...]
    """Openings within each of SPANS, and behind them those that took longer."""


@dataclass(frozen=True)
class Report:
    """All figures of a period. Of `words`, each kind has its words with their numbers."""

    asked: Asked
    until: datetime | None
    """Everything that happened before then is counted."""
    late: bool
    words: Mapping[str, Counter[str]]
    days: tuple[Day, ...]
    waits: Waits
    brands: Counter[str]
    stored: int
    """Sealed bytes that are kept now, of all days."""
    to: tuple[Named, ...] = field(default=(), repr=False)
    from_: tuple[Named, ...] = field(default=(), repr=False)
    rules: tuple[tuple[str, bool, int], ...] = ()
    """Id of a rule, whether it was only logged, and how often it spoke."""

    def of(self, kind: Kind) -> Counter[str]:
        return self.words.get(kind.value, Counter())

    def total(self, kind: Kind) -> int:
        return self.of(kind).total()

    @property
    def protected(self) -> int:
        return self.total(Kind.SEALED)

    @property
    def recipients(self) -> int:
        return self.total(Kind.RECIPIENTS)

    @property
    def opened(self) -> int:
        return self.total(Kind.OPENED)

    @property
    def opened_percent(self) -> int:
        return percent(self.opened, self.recipients)


def percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def asked(given: Mapping[str, str], today: date | None = None) -> Asked:
    """Of a query: `days`, or `from` and `to`; and `brand`. What makes no sense is the last 30 days, and says so."""
    today = today or timezone.localdate()
    brand = given.get("brand", "")[:50]
    usual = Asked(today - timedelta(days=USUAL_DAYS - 1), today, brand, USUAL_DAYS)
    if given.get("from") or given.get("to"):
        since, until = _day(given.get("from", "")), _day(given.get("to", "")) or today
        until = min(until, today)
        if since is None or since.year < EARLIEST or since > until or (until - since).days >= MOST_DAYS:
            return Asked(usual.since, usual.until, brand, USUAL_DAYS, bad=True)
        return Asked(since, until, brand)
    days = given.get("days", "")
    if days and days not in {str(number) for number in CHOICES}:
        return Asked(usual.since, usual.until, brand, USUAL_DAYS, bad=True)
    number = int(days or USUAL_DAYS)
    return Asked(today - timedelta(days=number - 1), today, brand, number)


def month_before(today: date) -> Asked:
    """The last whole month."""
    last = today.replace(day=1) - timedelta(days=1)
    return Asked(last.replace(day=1), last)


def figures(wanted: Asked, now: datetime) -> Report:
    """The counts alone: a few queries, and no keys."""
    rows = _rows(wanted)
    words: dict[str, Counter[str]] = {}
    for kind, word, number in rows.values_list("kind", "word").annotate(all=Sum("number")).order_by():
        words.setdefault(kind, Counter())[word] = number
    until = tallying.counted_until()
    return Report(
        wanted,
        until,
        tallying.is_late(until, now),
        words,
        _days(wanted, rows),
        _waits(words.get(Kind.WAIT, Counter())),
        _brands(wanted),
        _stored(wanted.brand),
    )


def whole(wanted: Asked, now: datetime) -> Report:
    """The same with domains, which are sealed, and rules. Raises KeysError."""
    found = figures(wanted, now)
    period = (wanted.since, wanted.until, wanted.brand)
    rules = () if wanted.brand else rule_counting.between(wanted.since, wanted.until)
    parts = {name: getattr(found, name) for name in Report.__dataclass_fields__}
    return Report(
        **{
            **parts,
            "to": tuple(domains.top(domains.TO, *period)),
            "from_": tuple(domains.top(domains.FROM, *period)),
            "rules": tuple(rules),
        }
    )


def _rows(wanted: Asked) -> QuerySet[Tally]:
    found = Tally.objects.filter(day__gte=wanted.since, day__lte=wanted.until)
    return found.filter(brand=wanted.brand) if wanted.brand else found


def _days(wanted: Asked, rows: QuerySet[Tally]) -> tuple[Day, ...]:
    kinds = (Kind.SEALED, Kind.RECIPIENTS, Kind.OPENED)
    numbers: Counter[tuple[date, str]] = Counter()
    for day, kind, number in (
        rows.filter(kind__in=kinds).values_list("day", "kind").annotate(all=Sum("number")).order_by()
    ):
        numbers[day, kind] = number
    every = (wanted.since + timedelta(days=number) for number in range((wanted.until - wanted.since).days + 1))
    return tuple(Day(day, *(numbers[day, kind] for kind in kinds)) for day in every)


def _waits(classes: Counter[str]) -> Waits:
    numbers = sorted((int(word), number) for word, number in classes.items())
    spans = [0] * (len(SPANS) + 1)
    for class_, number in numbers:
        middle = _middle(class_)
        spans[next((place for place, end in enumerate(SPANS) if middle < end), len(SPANS))] += number
    return Waits(_at(numbers, 0.5), _at(numbers, 0.25), _at(numbers, 0.75), tuple(spans))


def _middle(class_: int) -> float:
    return (class_begins(class_) + class_begins(class_ + 1)) / 2


def _at(numbers: list[tuple[int, int]], part: float) -> float | None:
    """The time within which this part of all was opened, to a tenth: between the ends of its class."""
    total = sum(number for _, number in numbers)
    wanted, seen = part * total, 0
    for class_, number in numbers:
        if seen + number >= wanted:
            begins, ends = class_begins(class_), class_begins(class_ + 1)
            return begins + (ends - begins) * (wanted - seen) / number
        seen += number
    return None


def _brands(wanted: Asked) -> Counter[str]:
    rows = _rows(wanted).filter(kind=Kind.SEALED).values_list("brand").annotate(all=Sum("number")).order_by()
    return Counter(dict(rows))


def _stored(brand: str) -> int:
    rows = Tally.objects.filter(kind=Kind.BYTES)
    if brand:
        rows = rows.filter(brand=brand)
    sums: dict[str, int] = dict(rows.values_list("word").annotate(all=Sum("number")).order_by())
    return max(0, sums.get("kept", 0) - sums.get("gone", 0))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


COLUMNS = ("day", "kind", "brand", "word", "number")


def every(wanted: Asked) -> Iterator[tuple[date, str, str, str, int]]:
    """The daily counts themselves, the oldest first."""
    rows = _rows(wanted).order_by("day", "kind", "brand", "word")
    yield from rows.values_list("day", "kind", "brand", "word", "number").iterator()
