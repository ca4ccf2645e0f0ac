"""A7, the words of a brand: one language at a time, with what stands where nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from branding import languages, versions, wording
from branding.models import Brand
from branding.refusals import SavedMeanwhile
from branding.versions import Document
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_phrasing, brand_preview, brand_sections
from portal.console.brand_pages import Edited, brand_page, edited
from portal.console.brand_typed import language_of, typed_words, with_words
from portal.console.pages import administrator


@dataclass(frozen=True)
class Line:
    """One word in the language that is edited."""

    key: str
    label: str
    hint: str
    lines: bool
    value: str
    error: str = ""
    theirs: str = ""
    instead: str = ""
    """What recipients read where nothing is written here."""


@permission_required(May.BRANDS)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """The words of one language; saving changes that language's alone."""
    about = edited(slug)
    if request.method == "POST":
        return _save(request, about)
    code = language_of(request.GET, about.shown)
    return _page(request, about, code, {"seen": _token(about.now.document, code), "lines": lines(about.shown, code)})


def lines(
    brand: Brand,
    code: str,
    typed: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
    stale: bool = False,
) -> list[Line]:
    """The words as a page shows them: as they stand, or as they were typed and what was wrong."""
    return [
        _line(brand, code, key, typed[key] if typed else None, (faults or {}).get(key, ""), stale)
        for key in wording.ALL
    ]


def _line(brand: Brand, code: str, key: str, typed: str | None, fault: str, stale: bool) -> Line:
    word, there = wording.ALL[key], brand.words.get(code, {}).get(key, "")
    value = there if typed is None else typed
    theirs = there if stale and there != value else ""
    return Line(key, word.label, hint_of(word), word.lines, value, fault, theirs, instead(brand, code, key))


def hint_of(word: wording.Word) -> str:
    """How long it may be, and what may stand in it."""
    may = ", ".join(f"{{{name}}}" for name in wording.PLACEHOLDERS if name in word.placeholders)
    most = _("At most {n} characters.").format(n=f"{word.longest:,}")
    return f"{most} {_('You can use {names}.').format(names=may)}" if may else most


def instead(brand: Brand, code: str, key: str) -> str:
    """What is shown where this language has no text of the brand's."""
    own = languages.of_brand(brand)
    text = wording.chosen(brand.words, key, own) if own != code else ""
    if text:
        said = _("Not written in this language: the {language} text is shown.")
        return said.format(language=brand_phrasing.language_name(own))
    if key == "privacy_url" and brand.privacy_url:
        return _("The privacy page among the legal addresses is shown.")
    return _("Nothing is shown.") if key in ("portal_text", "welcome", "disclaimer", "privacy_url", "mail_text") else ""


def _save(request: HttpRequest, about: Edited) -> HttpResponse:
    code = language_of(request.POST, about.shown)
    typed, faults = typed_words(request.POST)
    seen, stale = request.POST.get("seen", ""), False
    if not faults:
        try:
            versions.save_draft(
                about.row,
                lambda document: {**document, "words": with_words(document["words"], code, typed)},
                lambda document: document["words"].get(code, {}),
                seen,
                administrator(request).pk,
            )
            if request.POST.get("then") == "publish":
                return see_other(reverse("brand-publish", args=[about.row.slug]))
            return see_other(f"{reverse('brand-words', args=[about.row.slug])}?language={code}")
        except SavedMeanwhile:
            stale = True
            about = edited(about.row.slug)
            seen = _token(about.now.document, code)
    context = {"seen": seen, "stale": stale, "lines": lines(about.shown, code, typed, faults, stale)}
    context["errors"] = {f"word-{key}": sentence for key, sentence in faults.items()}
    return _page(request, about, code, context, 409 if stale else 422)


def _page(request: HttpRequest, about: Edited, code: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    section = brand_sections.words()
    written = {language for language, texts in about.shown.words.items() if texts}
    shown = {
        "written_in": code,
        "language_choices": [(one.code, one.name, one.code in written) for one in languages.ALL],
        "own": languages.of_brand(about.shown) == code,
        **context,
        **brand_preview.choices(request, section),
    }
    shown["tongue"] = shown["tongue"] or code
    return brand_page(request, about, "console/brand_words.html", shown, section=section, status=status)


def _token(document: Document, code: str) -> str:
    return versions.token(document["words"].get(code, {}))
