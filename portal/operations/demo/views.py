"""The demo's pages: three doors, the way of a mail, and the mail catcher. On this computer only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import administrators, office, sessions
from portal.access.requests import Request
from portal.mime.reading import read
from portal.operations.demo import catcher, journey, sending
from portal.operations.demo.data import data

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponseBase]
_FRAMED = {
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "script-src": [NONE],
    "connect-src": [NONE],
    "frame-src": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    # The page that a link opens must not be sandboxed as the mail is: it has forms.
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def demo_only(view: View[R, P]) -> View[R, P]:
    """404 unless the demo is on and the portal is for this computer only, as asked for and as listened on."""

    @wraps(view)
    def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        chosen = settings.LETTERLOCK
        if not (chosen.demo and chosen.loopback and chosen.http.loopback):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@demo_only
@require_http_methods(["GET", "HEAD", "POST"])
def doors(request: HttpRequest) -> HttpResponse:
    """The three doors. A POST sends the form's mail through the SMTP door."""
    if request.method != "POST":
        return _doors(request, sending.prefilled(), {})
    form, faults = sending.read_form(request)
    if not faults:
        try:
            id_ = sending.send(form)
        except sending.NotSent as error:
            faults = {error.field: str(error)}
        else:
            return HttpResponseRedirect(reverse("demo-sent", args=[id_]), status=303)
    return _doors(request, form, faults, status=422)


def _doors(request: HttpRequest, form: sending.Form, faults: dict[str, str], status: int = 200) -> HttpResponse:
    boxes = catcher.mailboxes()
    context = {
        "form": form,
        "faults": faults,
        "senders": sending.senders(),
        "smtp": str(settings.LETTERLOCK.smtp),
        "owner": data()["owner"],
        "mails": sum(len(box.mails) for box in boxes),
        "boxes": len(boxes),
    }
    return render(request, "demo/doors.html", context, status=status)


@demo_only
@require_safe
def sent(request: HttpRequest, id_: UUID) -> HttpResponse:
    """How far the mail has come; without scripts the page asks again by itself until it is over."""
    found = journey.journey(id_)
    if found is None:
        raise Http404
    # The outbox names a mail by its row, so the first one that left can be opened from here.
    left = next((mail.id for mail in found.trace.mails if mail.sent_at and catcher.find(str(mail.id))), None)
    return render(request, "demo/sent.html", {"journey": found, "trace": found.trace, "left": left})


@demo_only
@require_safe
def mail(request: HttpRequest, box: str = "") -> HttpResponse:
    """All mailboxes, and the mails of one."""
    boxes = catcher.mailboxes()
    chosen = next((found for found in boxes if found.box == box), None)
    if box and chosen is None:
        raise Http404
    context = {"boxes": boxes, "chosen": chosen, "relay": bool(settings.LETTERLOCK.relay_url)}
    return render(request, "demo/mail.html", context)


@demo_only
@require_safe
def one(request: HttpRequest, id_: str, tab: str = "phone") -> HttpResponse:
    """One mail, as on a phone, as text, or its source with a search for words."""
    caught, raw = _caught(id_)
    letter = read(raw)
    context: dict[str, Any] = {"mail": caught, "tab": tab, "letter": letter, "has_html": bool(letter.html)}
    if tab == "text" or not letter.html:
        context["text"] = catcher.words(letter)
    if tab == "source":
        sought = " ".join(request.GET.get("find", "").split())[:200]
        context |= {"source": raw[:200_000].decode("utf-8", "replace"), "cut": len(raw) > 200_000, "sought": sought}
        context["occurs"] = catcher.occurs(raw, letter, sought) if sought else None
    return render(request, "demo/one.html", context)


@demo_only
@require_safe
@csp_replace(_FRAMED)  # type: ignore[arg-type]  # the library knows views without parameters only
def framed(request: HttpRequest, id_: str) -> HttpResponse:
    """A mail's HTML as a document of its own: no script, no connection, no form, whatever is in it."""
    _, raw = _caught(id_)
    page = catcher.html_page(read(raw))
    if not page:
        raise Http404
    return HttpResponse(page)


@demo_only
@require_POST
def administrator(request: HttpRequest) -> HttpResponse:
    """Sign in as the demo's administrator, who has no secret."""
    person = administrators.owner(data()["owner"])
    asked = cast(Request, request)
    return office.let_in(asked, person, method=sessions.ENTRY, goal=office.back_of(asked))


def _caught(id_: str) -> tuple[catcher.Caught, bytes]:
    found = catcher.find(id_)
    if found is None:
        raise Http404
    return found
