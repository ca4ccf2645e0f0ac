"""A10, the record: a page at a time with filters, the signed head, a look at everything, and export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal.access import people
from portal.access.decorators import permission_required
from portal.access.models import Person
from portal.access.responses import see_other
from portal.access.roles import May
from portal.audit import checking, exporting, finding
from portal.audit.errors import NothingSigned
from portal.audit.finding import Asked
from portal.audit.models import Entry, Head
from portal.audit.record import COMMAND_LINE
from portal.audit.record import record as note
from portal.celery import CHECK_RECORD, ring
from portal.console.pages import administrator, office_page
from portal.console.record_facts import Told, phrases, who_words
from portal.console.record_sentences import sentence
from portal.console.sections import RECORD
from portal.operations import record_keeping, wording

TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "cef": "text/plain; charset=utf-8"}
DAY = timedelta(days=1)
BY_PERSON = frozenset({
    "address.lifted", "address.suppressed", "administrator.entered", "administrator.named",
    "administrator.password_set", "administrator.signed_out_elsewhere", "health.tested", "messages.exported",
    "messages.searched", "reports.exported",
    "reports.mail_switched", "wrapper.requeued",
})  # fmt: skip
"""Kinds whose `person` is who did it, not whom it was done to."""


@dataclass(frozen=True)
class Line:
    """One entry as the list shows it: a sentence, what else it tells, and who did it, an administrator by address."""

    entry: Entry
    sentence: str
    phrases: list[str]
    who: str
    row: str
    """Of whoever did it, where nobody is named."""

    @property
    def message(self) -> str:
        return _short(self.entry.message)

    @property
    def reader(self) -> str:
        return _short(self.entry.reader)

    def __repr__(self) -> str:
        return f"Line({self.entry.id})"


@permission_required(May.AUDIT)
@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """Newest first. What is looked for stands in the address, where it says nothing of anyone."""
    form = _Form(request.GET)
    page = finding.find(form.asked)
    newest = Head.objects.order_by("-size").first()
    context = {
        "form": form,
        "kinds": [(room, list(kinds)) for room, kinds in groupby(finding.kinds(), key=finding.room_of)],
        "lines": _lines(page.entries),
        "older": urlencode({**form.plain, "before": page.older}) if page.older is not None else "",
        "first": form.asked.before is None,
        "plain": urlencode(form.plain),
        "head": newest,
        "checked": checking.newest(),
        "checking": checking.unfinished(),
        "formats": exporting.FORMATS,
    }
    return office_page(request, RECORD, "console/record.html", context, status=422 if form.faults else 200)


@permission_required(May.AUDIT)
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Have everything that was recorded held against what was signed."""
    if checking.ask(timezone.now(), by=str(administrator(request).pk)):
        ring(CHECK_RECORD)
    return see_other(reverse(RECORD))


@permission_required(May.AUDIT)
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The record of the days that were asked for, as it is read; that it was taken is recorded with the last piece."""
    form, kind = _Form(request.POST), request.POST.get("format", "")
    if form.faults or kind not in TYPES:
        return see_other(reverse(RECORD))
    try:
        found = exporting.pieces(kind, record_keeping.key_line(), form.asked.since, form.asked.until)
    except NothingSigned:
        raise Http404 from None
    answer = StreamingHttpResponse(_noted(found, kind, str(administrator(request).pk)), content_type=TYPES[kind])
    name = f"record-{timezone.now():%Y%m%d-%H%M}.{'txt' if kind == 'cef' else kind}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@permission_required(May.AUDIT)
@require_safe
def head(request: HttpRequest) -> HttpResponse:
    """The newest signed head and the key that verifies it, to be kept elsewhere."""
    newest = Head.objects.order_by("-size").first()
    if newest is None:
        raise Http404
    answer = HttpResponse(f"{newest.note}\n{record_keeping.key_line()}\n", content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="head-{newest.size}.txt"'
    return answer


def _noted(found: Iterator[tuple[int, str]], kind: str, by: str) -> Iterator[bytes]:
    number = 0
    try:
        for count, text in found:
            number += count
            yield text.encode()
    finally:
        # Also of one that was broken off: what had left by then has left.
        note("audit.exported", entries=number, format=kind, by=by)


class _Form:
    """What was typed into the filters, and what of it could not be read."""

    def __init__(self, given: QueryDict) -> None:
        self.plain: dict[str, str] = {
            name: value for name in ("kind", "message", "since", "until") if (value := given.get(name, "").strip()[:60])
        }
        self.faults: dict[str, str] = {}
        self.asked = Asked(
            kind=self.plain.get("kind", ""),
            message=self._message(),
            since=self._day("since"),
            until=self._day("until", DAY),
            before=_number(given.get("before", "")),
        )

    def _message(self) -> UUID | None:
        try:
            return UUID(self.plain["message"]) if "message" in self.plain else None
        except ValueError:
            self.faults["message"] = _("A message id has 32 digits and letters a to f, with or without hyphens.")
            return None

    def _day(self, name: str, more: timedelta = timedelta()) -> datetime | None:
        """The beginning of a day (UTC); with `more` the end of it."""
        typed = self.plain.get(name)
        if not typed:
            return None
        try:
            found = parse_date(typed)
            if found is not None and date.min.year < found.year < date.max.year:
                return datetime(found.year, found.month, found.day, tzinfo=UTC) + more
        except (ValueError, OverflowError):
            pass
        self.faults[name] = _("Write a day like 2026-11-17.")
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _lines(found: list[Entry]) -> list[Line]:
    known: dict[str, str] = {}
    return [_line(entry, known) for entry in found]


def _line(entry: Entry, known: dict[str, str]) -> Line:
    facts = Told(entry.facts)
    said, by = sentence(entry.kind, facts), "person" if entry.kind in BY_PERSON else "by"
    rest = {name: fact for name, fact in entry.facts.items() if name not in {*facts.used, by, "who"}}
    if isinstance(rest.get("person"), str):
        rest["person"] = _name(rest["person"], known) or rest["person"]
    return Line(entry, said, list(phrases(entry.kind, rest)), *_who(entry, by, known))


def _short(id_: UUID | None) -> str:
    """The end of an id: ids of one minute begin alike."""
    return f"…{str(id_)[-12:]}" if id_ else ""


def _who(entry: Entry, by: str, known: dict[str, str]) -> tuple[str, str]:
    """Who did it in words, an administrator by their address; and the row of anyone else, who is not named."""
    row, what = str(entry.facts.get(by) or ""), str(entry.facts.get("who") or "")
    if name := _name(row, known):
        return name, ""
    words = who_words(what or row) if what or row == COMMAND_LINE else wording.actor(entry.kind, entry.facts)
    return words, "" if row == COMMAND_LINE else row


def _name(row: str, known: dict[str, str]) -> str:
    """An administrator's address; "" for anyone else."""
    if row not in known:
        try:
            person = Person.objects.exclude(role=Person.Role.READER).filter(pk=UUID(row)).first()
        except ValueError:
            person = None
        known[row] = people.address_of(person) if person else ""
    return known[row]
