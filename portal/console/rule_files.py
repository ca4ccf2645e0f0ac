"""A4: the rules as a YAML file, taken away and taken in: what a file changes is shown first, and then goes into the
draft."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console.pages import administrator
from portal.console.rule_pages import rows, rules_page, sentences
from portal.console.rule_publishing import locked
from portal.console.sections import RULES
from portal.rules import draft, yamls
from portal.rules.differing import differences
from portal.rules.document import Document, checked
from portal.rules.draft import SavedMeanwhile, standing, token
from portal.rules.errors import BadRules, Problem
from portal.rules.limits import MOST_DOCUMENT_BYTES
from portal.writing.uploads import SealedUpload

PAGE = "console/rules_import.html"


@permission_required(May.RULES)
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """`?of=draft`, or else what is live, as the command line reads it."""
    now, of = standing(), request.GET.get("of", "live")
    if of not in ("live", "draft"):
        raise Http404
    document = checked(now.document if of == "draft" else now.live)
    which = "draft" if of == "draft" and now.draft else f"version {now.number}"
    text = f"# Rules of Letterlock, {which}: docs/rules.md\n{yamls.written(document)}"
    answer = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="rules-{which.replace(" ", "-")}.yaml"'
    return answer


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest) -> HttpResponse:
    """Take a file or a text, show what it would change, and put it into the draft when that was said."""
    if request.method != "POST":
        return rules_page(request, PAGE, {}, tab="rules-import")
    try:
        written = _given(request)
        document = checked(yamls.read(written))
    except BadRules as error:
        return rules_page(
            request,
            PAGE,
            {"faults": sentences(error), "typed": request.POST.get("text", "")[:MOST_DOCUMENT_BYTES]},
            tab="rules-import",
            status=422,
        )
    if request.POST.get("do") != "apply":
        return _shown(request, document)
    now = standing()
    try:
        if request.POST.get("seen") != now.seen:
            raise SavedMeanwhile
        draft.save(lambda _old: document, lambda old: old, token(now.document), administrator(request).pk)
    except SavedMeanwhile:
        return _shown(request, document, stale=True)
    return see_other(reverse(RULES))


def _shown(request: HttpRequest, document: Document, *, stale: bool = False) -> HttpResponse:
    now = standing()
    context: dict[str, Any] = {
        "changes": rows(differences(now.document, document)),
        "locked": locked(document),
        "yaml": yamls.written(document),
        "seen": now.seen,
        "stale": stale,
        "count": len(document["rules"]),
    }
    return rules_page(
        request, "console/rules_import_look.html", context, tab="rules-import", now=now, status=409 if stale else 200
    )


def _given(request: HttpRequest) -> bytes:
    """The file, or else the text. One byte more than may be, so that too much is told as such. BadRules."""
    for upload in cast(Iterable[SealedUpload], request.FILES.getlist("file")):
        if upload.refused or (upload.size or 0) > MOST_DOCUMENT_BYTES:
            return bytes(MOST_DOCUMENT_BYTES + 1)
        return b"".join(upload.chunks())
    text = request.POST.get("text", "")
    if not text.strip():
        raise BadRules([Problem((), _("Choose a file, or paste its text."))])
    return text.encode("utf-8", "replace")
