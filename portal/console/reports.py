"""A13, the reports: figures of a period, and the protected messages and the portal's log behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from branding import languages as spoken
from branding.models import Brand
from portal import tables
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.audit.record import record
from portal.console import figures
from portal.console.pages import administrator, office_page
from portal.console.sections import REPORTS
from portal.keys.errors import KeysError
from portal.operations import activity, charts, monthly, protected, reporting
from portal.operations.charts import Chart, Step
from portal.operations.counting import Kind
from portal.operations.reporting import Asked, Report
from portal.rules import live
from portal.vault import templates

MOST_EXPORTED = 100_000


@permission_required(May.REPORTS)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The figures of a period."""
    asked, now = reporting.asked(request.GET), timezone.now()
    context: dict[str, Any] = {**_period(asked)}
    try:
        found = reporting.whole(asked, now)
    except KeysError:
        found = reporting.figures(asked, now)
        context["keys_away"] = True
    context |= {
        "report": found,
        "per_day": figures.per_day(found),
        "opened": figures.opened_of(found),
        "histogram": _histogram(found),
        "groups": _groups(found),
        "funnel": figures.funnel(found),
        "signing_in": _signing_in(found),
        "rules": _rules(found),
        "incidents": _incidents(found),
        "mail_wanted": monthly.is_wanted(administrator(request)),
        "has_address": bool(administrator(request).address),
        "answers": found.total(Kind.ANSWERS),
        "kept": found.of(Kind.BYTES)["kept"],
        "gone": found.of(Kind.BYTES)["gone"],
        "did": _named(found.of(Kind.DID), _deeds()),
    }
    return office_page(request, REPORTS, "console/reports.html", context, status=422 if asked.bad else 200)


@permission_required(May.REPORTS)
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """The protected messages of a period, a page at a time."""
    asked, wanted = reporting.asked(request.GET), _wanted(request)
    context: dict[str, Any] = {
        **_period(asked),
        "methods": list(_methods().items()),
        "templates": [(row.slug, templates.name_of(row)) for row in templates.everyone()],
        "method": wanted.method,
        "template": wanted.template,
        "more": asked.query(method=wanted.method, template=wanted.template),
    }
    try:
        page = protected.page(wanted, _number(request.GET.get("before", "")))
    except KeysError:
        context["keys_away"] = True
        return office_page(request, REPORTS, "console/report_messages.html", context, status=503)
    context |= {
        "lines": [(line, _method(line.method), _template(line.template), _state(line)) for line in page.lines],
        "older": asked.query(method=wanted.method, template=wanted.template, before=str(page.older or "")),
        "has_older": page.older is not None,
        "first": not request.GET.get("before"),
    }
    return office_page(request, REPORTS, "console/report_messages.html", context, status=422 if asked.bad else 200)


@permission_required(May.REPORTS)
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Who asked for access to which message, and what they did there."""
    asked, operation = reporting.asked(request.GET), _operation(request)
    page = activity.page(_span(asked, operation), _number(request.GET.get("before", "")))
    context = {
        **_period(asked),
        "operations": list(activity.OPERATIONS),
        "operation": operation,
        "lines": page.lines,
        "more": asked.query(operation=operation),
        "older": asked.query(operation=operation, before=str(page.older or "")),
        "has_older": page.older is not None,
        "first": not request.GET.get("before"),
    }
    return office_page(request, REPORTS, "console/report_log.html", context, status=422 if asked.bad else 200)


@permission_required(May.REPORTS)
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Get the monthly report by mail from now on, or no more."""
    monthly.switch(administrator(request), on=request.POST.get("on") == "1")
    return see_other(reverse(REPORTS) + "#monthly")


@permission_required(May.REPORTS)
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The figures, the messages or the log of a period as CSV (RFC 4180) or JSON, streamed."""
    asked = reporting.asked(request.POST)
    what = request.POST.get("what", "")
    form = "json" if request.POST.get("format") == "json" else "csv"
    if asked.bad or what not in _EXPORTS:
        return see_other(reverse(REPORTS))
    columns, rows = _EXPORTS[what](request, asked)
    record("reports.exported", person=str(administrator(request).pk), what=what, format=form)
    name = f"{what}-{asked.since}-{asked.until}"
    return tables.download(name, form, columns, rows)


def _messages(request: HttpRequest, asked: Asked) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    found = protected.every(_wanted(request), MOST_EXPORTED)
    return protected.COLUMNS, (line.cells() for line in found)


def _activity(request: HttpRequest, asked: Asked) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    found = activity.every(_span(asked, _operation(request)), MOST_EXPORTED)
    return activity.COLUMNS, (line.cells() for line in found)


def _figures(request: HttpRequest, asked: Asked) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    return reporting.COLUMNS, reporting.every(asked)


_EXPORTS = {"figures": _figures, "messages": _messages, "activity": _activity}


def _period(asked: Asked) -> dict[str, Any]:
    return {
        "asked": asked,
        "choices": reporting.CHOICES,
        "query": asked.query(),
        "brands": list(Brand.objects.order_by("name").values_list("slug", "name")),
        "most_days": reporting.MOST_DAYS,
    }


def _wanted(request: HttpRequest) -> protected.Asked:
    given = request.POST if request.method == "POST" else request.GET
    asked = reporting.asked(given)
    span = _span(asked, "")
    method, template = given.get("method", ""), given.get("template", "")[:40]
    return protected.Asked(
        asked.since,
        asked.until,
        span.since,
        span.until,
        asked.brand,
        method if method in _methods() else "",
        template,
    )


def _span(asked: Asked, operation: str) -> activity.Asked:
    since = timezone.make_aware(datetime.combine(asked.since, time()))
    until = timezone.make_aware(datetime.combine(asked.until + timedelta(days=1), time()))
    return activity.Asked(since, until, operation)


def _operation(request: HttpRequest) -> str:
    given = (request.POST if request.method == "POST" else request.GET).get("operation", "")
    return given if given in activity.OPERATIONS else ""


def _histogram(found: Report) -> Chart:
    labels = [_("5 min"), _("15 min"), _("1 h"), _("4 h"), _("1 day"), _("3 days"), _("7 days"), _("longer")]
    says = _("Each column holds what was opened within that time, and not within the one before.")
    series = [(_("Opened"), found.waits.spans)]
    return charts.columns("waits", _("How soon messages are opened"), says, labels, series, head=_("Within"))


def _groups(found: Report) -> list[tuple[str, list[Step]]]:
    """Adoption, each a title with its rows."""
    names = dict(Brand.objects.values_list("slug", "name"))
    other = _("other domains")
    return [
        (_("Why they are protected"), _named(found.of(Kind.SEALED), _methods())),
        (_("By rights template"), charts.steps([(_template(w), n) for w, n in found.of(Kind.TEMPLATE).most_common()])),
        (_("By brand"), charts.steps([(names.get(w, w) or "–", n) for w, n in found.brands.most_common()])),
        (_("Domains of recipients"), charts.steps([(one.domain or other, one.number) for one in found.to])),
        (_("Domains of senders"), charts.steps([(one.domain or other, one.number) for one in found.from_])),
    ]


def _signing_in(found: Report) -> list[tuple[str, list[Step]]]:
    methods = {"passcode": _("Passcode"), "provider": _("Sign-in at a provider"), "passkey": _("Passkey")}
    failures = {
        "passcode": _("A wrong passcode"),
        "code": _("A wrong message code"),
        "provider": _("A provider proved no address, or another"),
        "factor": _("A wrong phrase or app code"),
        "passkey": _("A passkey that was refused"),
        "throttled": _("Too many tries"),
    }
    sorts = {"phone": _("Phone"), "tablet": _("Tablet"), "computer": _("Computer"), "other": _("Not known")}
    languages = {language.code: language.name for language in spoken.ALL}
    return [
        (_("How addresses are proved"), _named(found.of(Kind.CONFIRMED), methods)),
        (_("What did not let someone in"), _named(found.of(Kind.FAILED), failures)),
        (_("Devices"), _named(found.of(Kind.DEVICE), sorts)),
        (_("Languages"), _named(found.of(Kind.LANGUAGE), languages)),
    ]


def _rules(found: Report) -> list[Step]:
    names = {rule.id: rule.name for rule in live.rules().rules}
    logged = _("%(rule)s (only logged)")
    said = [(names.get(id_, id_), only_logged, number) for id_, only_logged, number in found.rules]
    return charts.steps([(logged % {"rule": name} if only else name, number) for name, only, number in said])


def _incidents(found: Report) -> list[Step]:
    """The most severe first, each also where there were none, once there were any."""
    words = found.of(Kind.INCIDENT)
    names = {"high": _("High"), "medium": _("Medium"), "low": _("Low"), "": _("No severity")}
    return charts.steps([(name, words[word]) for word, name in names.items()] if words else [])


def _named(words: Counter[str], names: dict[str, str]) -> list[Step]:
    return charts.steps([(names.get(word, word) or _("Not known"), number) for word, number in words.most_common()])


def _methods() -> dict[str, str]:
    return {
        "user": _("Its sender asked for it"),
        "rule": _("A rule"),
        "default": _("As is usual here"),
    }


def _method(word: str) -> str:
    return _methods().get(word, _("Not known"))


def _template(slug: str) -> str:
    row = templates.find(slug) if slug else None
    return templates.name_of(row) if row is not None else slug or _("No template")


def _state(line: protected.Line) -> str:
    return {"open": "", "withdrawn": _("Withdrawn"), "gone": _("Gone")}.get(line.state, _("Not kept any more"))


def _deeds() -> dict[str, str]:
    return {
        "opened": _("Messages shown"),
        "previewed": _("Files looked at here"),
        "downloaded": _("Files downloaded"),
        "replied": _("Answers"),
        "forwarded": _("Forwarded"),
    }


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
