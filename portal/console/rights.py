"""Rights templates in the office: the list, a new one, and one that is changed, archived or published again."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from branding.models import Brand
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console.pages import office_page
from portal.console.sections import RIGHTS
from portal.vault import template_editing as editing
from portal.vault import templates
from portal.vault.models import RightsTemplate
from portal.vault.rights import GRANTS
from portal.vault.template_editing import LANGUAGES, TemplateChanged, TemplateRefused, Wanted
from portal.vault.templates import BUILT_IN, MOST, NAMES

Closes, State = RightsTemplate.Closes, RightsTemplate.State


@permission_required(May.RULES)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All templates, what each grants, and who has it."""
    rows = [_line(row) for row in templates.everyone()]
    return office_page(request, RIGHTS, "console/rights.html", {"rows": rows, "full": len(rows) >= MOST})


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new template, published at once."""
    if request.method != "POST":
        rights = {"reply": True, "reply_all": True, "copy": True, "print": True, "download": True}
        return _form(request, Wanted("", rights=rights), new=True)
    wanted = _read(request, request.POST.get("slug", "").strip().lower())
    try:
        editing.add(wanted)
    except TemplateRefused as refused:
        return _form(request, wanted, new=True, faults=refused.faults)
    return see_other(reverse(RIGHTS))


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """One template. Of two who change it at once the later sees both, and decides."""
    row = templates.find(slug)
    if row is None:
        raise Http404
    if request.method != "POST":
        return _form(request, editing.of(row), row)
    wanted, version = _read(request, slug), _number(request.POST.get("version", ""))
    try:
        match request.POST.get("do"):
            case "archive":
                editing.set_state(slug, State.ARCHIVED, version)
            case "publish":
                editing.set_state(slug, State.PUBLISHED, version)
            case _:
                editing.change(wanted, version if version is not None else 0)
    except TemplateRefused as refused:
        return _form(request, wanted, row, faults=refused.faults)
    except TemplateChanged:
        now = templates.template(slug)
        return _form(request, wanted, now, now=_line(now))
    return see_other(reverse(RIGHTS))


def _form(
    request: HttpRequest,
    wanted: Wanted,
    row: RightsTemplate | None = None,
    *,
    new: bool = False,
    faults: Any = (),
    now: dict[str, Any] | None = None,
) -> HttpResponse:
    built_in = BUILT_IN.get(wanted.slug) if not new else None
    context = {
        "new": new,
        "row": row,
        "name": templates.name_of(row) if row else "",
        "wanted": wanted,
        "built_in": built_in,
        "rights": [
            {"name": name, "label": label, "hint": hint, "on": bool(wanted.rights.get(name))}
            for name, (label, hint) in right_words().items()
        ],
        "texts": _texts(wanted),
        "others": [(code, one.name) for code, one in LANGUAGES.items() if code not in _shown(wanted)],
        "closings": _closings(),
        "scope": "\n".join(wanted.scope),
        "faults": faults,
        "bad": {fault.field for fault in faults},
        "now": now,
        "brands": editing.used_by(wanted.slug) if row else [],
    }
    status = 409 if now else 422 if faults else 200
    return office_page(request, RIGHTS, "console/rights_form.html", context, status=status)


def _line(row: RightsTemplate) -> dict[str, Any]:
    rights = templates.rights_of(row)
    words = right_words()
    return {
        "slug": row.slug,
        "name": templates.name_of(row),
        "note": templates.note_of(row),
        "granted": [words[name][0] for name in GRANTS if getattr(rights, name)],
        "marked": rights.watermark,
        "level": rights.level,
        "closes": _closes(row),
        "scope": row.scope,
        "archived": row.state == State.ARCHIVED,
        "built_in": row.slug in BUILT_IN,
    }


def right_words() -> dict[str, tuple[str, str]]:
    """Each right and duty by its name: what it is called, and what it means."""
    return {
        "reply": (_("Reply"), _("Answer its sender here, on the portal.")),
        "reply_all": (_("Reply to all"), _("Answer the others it was sent to as well. Nobody can be added.")),
        "forward": (_("Forward"), _("Send it on from here, to addresses that the brand allows.")),
        "copy": (_("Copy"), _("Select its words, and quote them in an answer.")),
        "print": (_("Print"), _("Print the message and its previews.")),
        "download": (_("Download"), _("Save its files. Without it they can be looked at here, a page at a time.")),
        "watermark": (_("Mark"), _("Pictures of files and prints carry the reader’s address and the time.")),
    }


def _closings() -> list[tuple[str, str]]:
    return [
        (Closes.BRAND, _("When the brand or the sender says")),
        (Closes.DAYS, _("So many days after it is sent")),
        (Closes.DATE, _("After a fixed day")),
        (Closes.NEVER, _("Never")),
    ]


def _closes(row: RightsTemplate) -> str:
    if row.closes == Closes.DAYS:
        return _("After {n} days").format(n=row.open_days)
    if row.closes == Closes.DATE:
        return _("After {day}").format(day=row.last_day)
    return _("Never") if row.closes == Closes.NEVER else _("As the brand says")


def _shown(wanted: Wanted) -> list[str]:
    """The languages that the form has fields for: English, those of the brands, and those that have words already."""
    spoken = {code.partition("-")[0] if code.startswith("en") else code for code in _brand_languages()}
    shown = {"en", *wanted.names, *wanted.notes, *spoken}
    return [code for code in LANGUAGES if code in shown]


def _brand_languages() -> set[str]:
    return set(Brand.objects.values_list("language", flat=True).distinct())


def _texts(wanted: Wanted) -> list[dict[str, str]]:
    return [
        {
            "code": code,
            "language": LANGUAGES[code].name,
            "name": wanted.names.get(code, ""),
            "note": wanted.notes.get(code, ""),
        }
        for code in _shown(wanted)
    ]


def _read(request: HttpRequest, slug: str) -> Wanted:
    """The form as posted; what is not of its kind stays out, and is asked for again by the check."""
    post = request.POST
    names = {code: post.get(f"name-{code}", "") for code in LANGUAGES if f"name-{code}" in post}
    notes = {code: post.get(f"note-{code}", "") for code in LANGUAGES if f"note-{code}" in post}
    other = post.get("other", "")
    if other in LANGUAGES:
        names[other], notes[other] = post.get("other-name", ""), post.get("other-note", "")
    known = BUILT_IN.get(slug)
    granted = post.getlist("rights")
    return Wanted(
        slug=slug,
        names=names,
        notes=notes,
        rights={name: getattr(known.rights, name) if known else name in granted for name in NAMES},
        level=_number(post.get("level", "")) or 0,
        closes=post.get("closes", ""),
        open_days=_number(post.get("open_days", "")),
        last_day=_day(post.get("last_day", "")),
        scope=[line.strip() for line in post.get("scope", "").replace(",", "\n").splitlines() if line.strip()],
        place=_number(post.get("place", "")) or 0,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
