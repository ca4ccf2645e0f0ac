"""A6, the tester: rules tried on a mail that is written here, on one that is given, and on the last days' mail.

Nothing is sent, stored or counted; what is typed or given is in no address, log or record, and only whoever typed it
sees it again.
"""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from branding import choosing, languages
from portal.access.decorators import permission_required
from portal.access.roles import May
from portal.console import brand_samples, rule_result, rule_trial
from portal.console.brand_preview import POLICY, dressed, whole
from portal.console.rule_pages import rules_page
from portal.console.rule_publishing import locked
from portal.console.rule_trial import BadTrial, Trial
from portal.directory import membership
from portal.keys.errors import KeysError
from portal.mime.addresses import clean_name
from portal.reading import policies
from portal.rules import comparing
from portal.rules.compiling import compiled
from portal.rules.draft import Standing, standing
from portal.rules.errors import BadRules

HOURS = (24, 48, 72)
MOST_SHOWN = 100


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """A mail that is written in the form, and what the rules make of it."""
    said = rule_trial.typed(request.POST)
    if request.method != "POST":
        return _page(request, "console/rules_test.html", {"said": {**said, "trusted": "on"}})
    return _tried(request, "console/rules_test.html", said, lambda: rule_trial.written(said))


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: HttpRequest) -> HttpResponse:
    """A mail that is uploaded or pasted whole."""
    said = rule_trial.typed(request.POST)
    if request.method != "POST":
        return _page(request, "console/rules_test_file.html", {"said": {**said, "trusted": "on"}})
    return _tried(request, "console/rules_test_file.html", said, lambda: rule_trial.given(request, said))


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def replay(request: HttpRequest) -> HttpResponse:
    """The draft beside the live rules, on facts of the last days' mail."""
    page, now = "console/rules_replay.html", standing()
    asked = request.POST.get("hours", "")
    hours = int(asked) if asked in map(str, HOURS) else HOURS[0]
    context: dict[str, Any] = {"hours": hours, "choices": HOURS}
    if request.method != "POST":
        return _page(request, page, context, now=now)
    default = settings.LETTERLOCK.default_action
    try:
        found = comparing.compare(now.document, now.live, default, hours=hours, directory=membership)
    except BadRules as error:
        return _page(request, page, {**context, "faults": [one.sentence for one in error.problems]}, status=422)
    except KeysError:
        said = _("The keys do not answer, so what is kept of the mail cannot be read. Try again in a minute.")
        return _page(request, page, {**context, "faults": [said]}, status=503)
    shown = [(one, rule_result.action(one.was), rule_result.action(one.would)) for one in found.changes[:MOST_SHOWN]]
    context |= {"found": found, "number": len(found.changes), "shown": shown, "most": MOST_SHOWN}
    return _page(request, page, context, now=now)


@permission_required(May.RULES)
@require_POST
def notice(request: HttpRequest) -> HttpResponse:
    """The mail that a recipient would get, for the frame of the result: the real template, which can do nothing there.

    It shows what is posted, and whoever posts it is who typed it.
    """
    said = request.POST
    brand = choosing.of_slug(said.get("brand", "")[:100])
    other = {
        "sender_name": clean_name(said.get("sender_name", "")[:200]),
        "sender_address": said.get("sender_address", "")[:320],
        "recipient": said.get("recipient", "")[:320],
        "attached": said.get("attached") == "on",
        "open_until": rule_result.end_of(said.get("until", "")),
        "note": clean_name(said.get("note", "")[:500]),
        "sent_at": timezone.now(),
    }
    with translation.override(languages.of_brand(brand)):
        html = whole(brand_samples.notice(brand, other=other))
    return cast(HttpResponse, policies.under(POLICY, HttpResponse(dressed(html, brand, "light", pages=False))))


def _tried(request: HttpRequest, page: str, said: dict[str, str], make: Any) -> HttpResponse:
    now, which = standing(), request.POST.get("which", "draft")
    try:
        trial: Trial = make()
        number, document = (now.number, now.live) if which == "live" else (0, now.document)
        rules = compiled(document, number)
    except BadTrial as error:
        return _page(request, page, {"said": said, "faults": [str(error)], "bad": error.field}, status=422)
    except BadRules as error:
        return _page(request, page, {"said": said, "faults": [one.sentence for one in error.problems]}, status=422)
    context = {"said": said, "which": which, "result": rule_result.shown(trial, rules)}
    return _page(request, page, context, now=now)


def _page(
    request: HttpRequest, page: str, context: dict[str, Any], *, now: Standing | None = None, status: int = 200
) -> HttpResponse:
    names = (
        ("rules-test", _("Write one")),
        ("rules-test-file", _("Paste or upload .eml")),
        ("rules-test-replay", _("Replay")),
    )
    ways = [{"title": title, "url": reverse(name), "current": request.path == reverse(name)} for name, title in names]
    now = now or standing()
    context = {
        "which": "draft",
        **context,
        "ways": ways,
        "most_mb": rule_trial.MOST_BYTES // 1_000_000,
        "locked": locked(now.document) if now.draft else [],
    }
    return rules_page(request, page, context, tab="rules-test", now=now, status=status)
