"""A8, the keys: which there are and for how much, new ones, moving to them, trying them, ending one, and recovery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import done
from portal.console.pages import administrator, office_page
from portal.console.sections import KEYS
from portal.keys.errors import KeysError
from portal.keys.service import configured, keys
from portal.operations import drills, keycopies, keyending, keywork
from portal.operations.errors import KeysRefused, OperationsError
from portal.operations.keyending import Reason
from portal.operations.models import KeyWork
from portal.vault import rotating
from portal.vault.models import Epoch, Generation

PAGE = 50
MOST_COUNTED = 10_000
Kind = KeyWork.Kind


@dataclass(frozen=True)
class Line:
    """One epoch key. `messages` stops at MOST_COUNTED."""

    epoch: str
    messages: int
    more: bool
    state: str

    @property
    def day(self) -> str:
        return rotating.base_of(self.epoch)


@permission_required(May.KEYS)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Everything that `manage.py keys status` says, and what can be done about it."""
    context: dict[str, Any] = {
        "works": {kind: _latest(kind) for kind in Kind},
        "endings": keyending.waiting(),
        "backup": keycopies.last_backup(),
        "backup_days": keycopies.KEPT.days,
        "restore_days": settings.LETTERLOCK.restore_days,
        "drill_possible": drills.is_possible(),
        "drill": drills.current(),
        "drill_passed": drills.last_passed(),
        "drill_wrong": done.word(request) == "wrong",
        "me": administrator(request).pk,
    }
    try:
        context |= _keyring(request.GET.get("page", ""))
    except KeysError as error:
        return office_page(request, KEYS, "console/keys.html", context | {"away": str(error)}, status=503)
    return office_page(request, KEYS, "console/keys.html", context)


@permission_required(May.KEYS)
@fresh_proof_required(back=KEYS)
@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """New epoch keys for new messages. Nothing is encrypted anew."""
    try:
        keywork.supersede(str(administrator(request).pk))
    except KeysError as error:
        return _failed(request, str(error))
    return done.see_done(request, reverse(KEYS), "keys_made")


@permission_required(May.KEYS)
@fresh_proof_required(back=KEYS)
@require_POST
def work(request: HttpRequest) -> HttpResponse:
    """Begin, pause or go on with moving wraps to the newest keys, or with trying keys."""
    kind, say = request.POST.get("kind", ""), request.POST.get("say", "")
    if kind not in Kind.values or say not in ("begin", "pause", "go on"):
        raise Http404
    if say == "begin":
        keywork.ask(Kind(kind), str(administrator(request).pk))
    else:
        keywork.pause(Kind(kind), str(administrator(request).pk), on=say == "pause")
    return see_other(reverse(KEYS))


@permission_required(May.KEYS)
@fresh_proof_required(back=KEYS)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest) -> HttpResponse:
    """Destroy an epoch key for good: asked for by one administrator, agreed to by another."""
    given = request.POST if request.method == "POST" else request.GET
    epoch, me = given.get("epoch", "")[:24], administrator(request).pk
    if me is None:
        raise Http404
    asked = next((row for row in keyending.waiting() if row.epoch == epoch), None)
    context: dict[str, Any] = {
        "epoch": epoch,
        "asked": asked,
        "mine": asked is not None and asked.asked_by == me,
        "reasons": Reason.choices,
    }
    reason = next((one for one in Reason if one.value == given.get("reason")), None)
    no_reason = given.get("say") == "ask" and reason is None
    try:
        context["lost"] = keyending.lost_with(epoch)
        if request.method == "POST" and not no_reason:
            _end(given.get("say", ""), epoch, me, reason)
            return see_other(reverse(KEYS))
    except KeysRefused as refused:
        if "lost" not in context:
            raise Http404 from None  # there is no such key
        context["error"] = str(refused)
        return office_page(request, KEYS, "console/keys_end.html", context, status=409)
    except KeysError as error:
        return _failed(request, str(error))
    status = 422 if no_reason else 200
    return office_page(request, KEYS, "console/keys_end.html", {**context, "no_reason": no_reason}, status=status)


def _end(say: str, epoch: str, me: UUID, reason: Reason | None) -> None:
    if say == "ask" and reason is not None:
        keyending.ask(epoch, me, reason)
    elif say == "agree":
        keyending.agree(epoch, me)
    elif say == "drop":
        keyending.drop(epoch, me)


@permission_required(May.KEYS)
@require_POST
def drill(request: HttpRequest) -> HttpResponse:
    """Begin a recovery drill, or answer it with the code that the private half gave."""
    if "code" in request.POST:
        passed = drills.answer(request.POST["code"][:80], str(administrator(request).pk))
        where = reverse(KEYS) + "#recovery"
        return see_other(where) if passed else done.see_done(request, where, "wrong")
    try:
        drills.begin(str(administrator(request).pk))
    except (KeysError, OperationsError) as error:
        return _failed(request, str(error), 422)
    return see_other(reverse(KEYS) + "#recovery")


@permission_required(May.KEYS)
@require_safe
def drill_file(request: HttpRequest) -> HttpResponse:
    """What is carried to where the private half is."""
    row = drills.current()
    if row is None:
        raise Http404
    answer = HttpResponse(drills.file_of(row), content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = 'attachment; filename="recovery-drill.sealed"'
    return answer


def _failed(request: HttpRequest, sentence: str, status: int = 503) -> HttpResponse:
    return office_page(request, KEYS, "console/keys_failed.html", {"error": sentence}, status=status)


def _latest(kind: Kind) -> KeyWork | None:
    return KeyWork.objects.filter(kind=kind).order_by("done", "-pk").first()


def _keyring(page: str) -> dict[str, Any]:
    provider, keyring, _seconds = configured()
    keys().health()
    epochs = sorted(keys().epochs())
    superseded = dict(Generation.objects.filter(destroyed_at=None).values_list("epoch", "superseded_at"))
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0
    used = _used()
    # Those that nothing closes under yet are many, and all alike: they are counted.
    listed = [one for one in epochs if one in used or one in superseded or not _is_current(one)]
    shown = listed[number * PAGE : (number + 1) * PAGE]
    return {
        "provider": provider.describe(),
        "epochs": len(epochs),
        "destroyed": len(keyring.gone()),
        "lines": [_line(epoch, superseded) for epoch in shown],
        "ahead": len(epochs) - len(listed),
        "next": number + 1 if len(listed) > (number + 1) * PAGE else None,
        "page": number,
        "unfinished": bool(rotating.unfinished()),
        "outstanding": rotating.outstanding().count() if superseded else 0,
    }


def _used() -> set[str]:
    """Epochs that messages are sealed under: one step of an index each."""
    found, last = set(), ""
    while one := Epoch.objects.filter(epoch__gt=last).order_by("epoch").values_list("epoch", flat=True).first():
        found.add(one)
        last = one
    return found


def _is_current(epoch: str) -> bool:
    return keys().current(rotating.base_of(epoch)) == epoch


def _line(epoch: str, superseded: dict[str, Any]) -> Line:
    found = Epoch.objects.filter(epoch=epoch).order_by().values("epoch")[: MOST_COUNTED + 1].count()
    state = _("Current") if epoch not in superseded and _is_current(epoch) else _("Reading only")
    return Line(epoch, min(found, MOST_COUNTED), found > MOST_COUNTED, state)
