"""The directory: groups and where they come from, and files taken over after what they change was shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console.pages import administrator, office_page
from portal.console.sections import DIRECTORY
from portal.directory import importing, parked
from portal.directory.importing import Plan
from portal.directory.models import Group, Import, Person, Source, Upload
from portal.directory.wanted import BadFile
from portal.mime.addresses import mask
from portal.writing.uploads import SealedUpload

PER_PAGE = 100
SHOWN = 8
"""Addresses of each kind that are shown, masked."""
_CHANGED = _lazy("The directory has changed meanwhile. This is what the file changes now.")


@permission_required(May.PROGRAMS)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Groups by name, a page at a time, and what each source brought last."""
    after = request.GET.get("after", "")[:80]
    rows = Group.objects.filter(slug__gt=after).annotate(members=Count("memberships")).order_by("slug")[: PER_PAGE + 1]
    groups = list(rows)
    context = {
        "groups": groups[:PER_PAGE],
        "after": groups[PER_PAGE - 1].slug if len(groups) > PER_PAGE else "",
        "first": not after,
        "sources": _sources(),
        "scim": request.build_absolute_uri("/scim/v2"),
    }
    return office_page(request, DIRECTORY, "console/directory.html", context)


@permission_required(May.PROGRAMS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest) -> HttpResponse:
    """Take a file, and show what it would change."""
    context: dict[str, Any] = {"complete": request.POST.get("complete") == "yes"}
    if request.method != "POST":
        return office_page(request, DIRECTORY, "console/directory_import.html", context)
    try:
        data, source = _file(request)
        importing.read(data, source)
    except BadFile as bad:
        return office_page(
            request, DIRECTORY, "console/directory_import.html", {**context, "error": str(bad)}, status=422
        )
    number = parked.park(data, source, removes_missing=context["complete"], by=administrator(request).pk)
    return see_other(reverse("directory-look", args=[number]))


@permission_required(May.PROGRAMS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest, id_: UUID) -> HttpResponse:
    """What would change; and the change, when it is still what was shown."""
    upload = parked.find(id_, administrator(request).pk)
    if upload is None:
        raise Http404
    plan = _plan(upload)
    if request.method != "POST":
        return _shown(request, plan)
    if request.POST.get("plan") != plan.digest():
        return _shown(request, plan, 409, str(_CHANGED))
    if plan.is_drastic and request.POST.get("drastic") != "yes":
        return _shown(request, plan, 422, _("Say that so many may be removed, or give another file."))
    try:
        importing.apply(plan, by=administrator(request).pk, confirmed=plan.is_drastic)
    except IntegrityError:  # another import, or a program, was at the same people in this moment
        return _shown(request, _plan(upload), 409, str(_CHANGED))
    upload.delete()
    return see_other(reverse(DIRECTORY))


def _plan(upload: Upload) -> Plan:
    wanted = importing.read(parked.data_of(upload), upload.source)
    return importing.plan(wanted, upload.source, removes_missing=upload.removes_missing)


def _shown(request: HttpRequest, plan: Plan, status: int = 200, error: str = "") -> HttpResponse:
    lists = (
        (_("Added"), plan.added),
        (_("Changed"), sorted(plan.changed)),
        (_("Removed"), sorted(plan.removed)),
    )
    context = {
        "plan": plan,
        "digest": plan.digest(),
        "error": error,
        "people": [
            {"title": title, "count": len(held), "shown": [mask(one) for one in held[:SHOWN] if one]}
            for title, held in lists
        ],
        "groups_added": plan.groups_added[:SHOWN],
        "groups_removed": sorted(plan.groups_removed)[:SHOWN],
        "problems": plan.wanted.problems,
        "more_problems": plan.wanted.left_out - len(plan.wanted.problems),
        "percent": importing.MOST_REMOVED_PERCENT,
    }
    return office_page(request, DIRECTORY, "console/directory_look.html", context, status=status)


def _file(request: HttpRequest) -> tuple[bytes, str]:
    """BadFile."""
    for upload in cast(Iterable[SealedUpload], request.FILES.getlist("file")):
        if upload.refused or (upload.size or 0) > parked.MOST_BYTES:
            limit = parked.MOST_BYTES // 1_000_000
            raise BadFile(
                _("A file given here can have up to {limit} MB. manage.py directory import takes larger ones.").format(
                    limit=limit
                )
            )
        source = importing.source_of(upload.name or "")
        return b"".join(upload.chunks()), source
    raise BadFile(_("Choose a file: CSV or LDIF."))


def _sources() -> list[dict[str, Any]]:
    """For each source that there is: how many people and groups, and when it last brought something."""
    people = {
        row["source"]: row for row in Person.objects.values("source").annotate(n=Count("pk"), at=Max("changed_at"))
    }
    groups = {
        row["source"]: row for row in Group.objects.values("source").annotate(n=Count("pk"), at=Max("changed_at"))
    }
    imports = dict(Import.objects.values_list("source").annotate(at=Max("at")))
    found = []
    for source in Source:
        brought = [row["at"] for row in (people.get(source), groups.get(source)) if row]
        at = imports.get(source) or max(brought, default=None)
        if at:
            counts = [row["n"] if row else 0 for row in (people.get(source), groups.get(source))]
            found.append({"name": source.label, "people": counts[0], "groups": counts[1], "at": at})
    return found
