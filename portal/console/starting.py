"""A0, the first ten minutes: five steps from an empty installation to one that works, each tried on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from branding import choosing
from portal.access import office_ways, roles
from portal.access.decorators import permission_required
from portal.access.models import Person
from portal.access.roles import May
from portal.audit.models import Entry
from portal.console.pages import office_page
from portal.console.sections import OVERVIEW
from portal.delivery.models import Outbound
from portal.operations import drills, keycopies, looking
from portal.operations.doctor.finding import State
from portal.operations.errors import RecipeRefused
from portal.operations.models import Looked
from portal.operations.recipes.catalogue import RECIPES
from portal.operations.recipes.values import PRODUCT_SAYS, VALUES, gather

OUTSIDE = ("DNS/", "TLS/")
"""The areas of the doctor that look at the portal from outside."""


@dataclass(frozen=True)
class Step:
    """One thing to do: what it is, whether it is done, what was seen, and where it is done."""

    name: str
    done: bool
    seen: str
    url: str
    does: str


@dataclass(frozen=True)
class Field:
    """One value of a recipe: `known` is what this installation says of it, `setting` the setting that says it."""

    name: str
    label: str
    setting: str
    value: str
    known: str
    example: str


def steps() -> list[Step]:
    """All of them, as they stand now."""
    return [_who(), _way_in(), _where(), _mail_in(), _mail_out(), _backup(), _recovery(), _second()]


def left() -> int:
    """How many are not done."""
    return sum(not step.done for step in steps())


@permission_required(May.SETTINGS)
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The steps, with what is done and what is next."""
    found = steps()
    context = {
        "steps": found,
        "done": sum(step.done for step in found),
        "next": next((step for step in found if not step.done), None),
        "servers": [(name, recipe.server) for name, recipe in RECIPES.items()],
        "outside": _outside(),
        "loopback": settings.LETTERLOCK.loopback,
    }
    return office_page(request, OVERVIEW, "console/start.html", context)


@permission_required(May.SETTINGS)
@require_safe
def mail_in(request: HttpRequest, server: str) -> HttpResponse:
    """What to put where for one kind of mail server, filled in for this installation; nothing here is changed."""
    recipe = RECIPES.get(server)
    if recipe is None:
        raise Http404
    wanted = recipe.wanted()
    settable = [name for name in wanted if name not in PRODUCT_SAYS]
    given = {name: text for name in settable if (text := request.GET.get(name, "").strip()[:400])}
    context: dict[str, Any] = {
        "recipe": recipe,
        "fields": [_field(name, given.get(name, "")) for name in settable],
        "arrived": _arrived(),
    }
    try:
        files = recipe.filled(gather(wanted, settings.LETTERLOCK, given))
        context["blocks"] = [(block.file, block.says, files[block.file]) for block in recipe.blocks]
    except RecipeRefused as refused:
        context["missing"] = missing = [one.label for one in context["fields"] if not (one.value or one.known)]
        if given:
            context["refused"] = _("Something is still missing.") if missing else str(refused).partition(" Give it")[0]
    return office_page(
        request, OVERVIEW, "console/start_mail.html", context, status=422 if context.get("refused") else 200
    )


def _field(name: str, value: str) -> Field:
    said, known = VALUES[name], VALUES[name].found(settings.LETTERLOCK)
    if said.same_as and not known:
        known = VALUES[said.same_as].found(settings.LETTERLOCK)
    means, _bracket, setting = said.means.partition(" (")
    return Field(name, means[0].upper() + means[1:], setting.rstrip(")"), value, known, said.example)


def _who() -> Step:
    brand = choosing.default()
    return Step(
        _("Who you are"),
        bool(brand.postal_address),
        _("{name}, {address}").format(name=brand.name, address=brand.postal_address or _("no postal address yet")),
        reverse("brand-legal", args=[brand.slug]),
        _("Enter the postal address that stands in every mail."),
    )


def _way_in() -> Step:
    brand = choosing.default()
    done = office_ways.passkey_exists() or bool(office_ways.providers(brand))
    seen = _("A passkey, or your organisation’s sign-in, lets you in.") if done else _("Only a one-time link so far.")
    return Step(_("Your way in"), done, seen, reverse("you"), _("Add a passkey."))


def _where() -> Step:
    rows = _outside()
    worst = max((row.state for row in rows), default=State.NOTICE)
    address = settings.LETTERLOCK.public_url
    if settings.LETTERLOCK.loopback:
        seen = _("{address} is for this computer only.").format(address=address)
        return Step(_("Where the portal is"), False, seen, "#where", _("Set LETTERLOCK_PUBLIC_URL, and look again."))
    seen = address if rows else _("{address} was not looked at yet.").format(address=address)
    return Step(_("Where the portal is"), worst == State.WELL, seen, "#where", _("Look at DNS, TLS and HSTS."))


def _mail_in() -> Step:
    arrived = _arrived()
    seen = _("Mail has come in.") if arrived else _("Waiting for a test message…")
    return Step(_("How mail comes in"), arrived, seen, "#mail-in", _("Choose your mail server."))


def _mail_out() -> Step:
    sent = Outbound.objects.filter(kind=Outbound.Kind.NOTICE, state=Outbound.State.SENT).exists()
    relay = bool(settings.LETTERLOCK.relay_url)
    if not relay:
        seen = _("Mail goes to a folder of this computer. Set LETTERLOCK_RELAY_URL.")
    else:
        seen = _("A notice was taken.") if sent else _("No notice has left yet.")
    return Step(_("How mail goes out"), relay and sent, seen, "#mail-out", _("Send yourself a test message."))


def _backup() -> Step:
    newest = keycopies.last_backup()
    seen = _("The keyring was backed up.") if newest else _("The keyring was never backed up.")
    return Step(
        _("Keys, and a copy of them"),
        newest is not None,
        seen,
        reverse("console-keys"),
        _("Back it up with manage.py keys backup."),
    )


def _recovery() -> Step:
    passed = drills.last_passed() is not None
    seen = _("Somebody showed that they have the recovery key.") if passed else _("Nobody has shown it yet.")
    return Step(_("The recovery key"), passed, seen, reverse("console-keys") + "#recovery", _("Test recovery."))


def _second() -> Step:
    number = Person.objects.filter(role__in=roles.OFFICE).count()
    seen = _("{n} people administer.").format(n=number) if number > 1 else _("Only you administer.")
    return Step(_("A second administrator"), number > 1, seen, reverse("console-people"), _("Add somebody."))


def _arrived() -> bool:
    return Entry.objects.filter(kind="message.accepted").exists()


def _outside() -> list[Looked]:
    """What the doctor saw of the portal from outside."""
    return [row for row in looking.rows() if row.name.startswith(OUTSIDE)]
