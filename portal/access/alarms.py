"""Word to administrators that a ceiling on passcode mail is reached, and again that it is over (M13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from branding import choosing
from branding.context import face
from branding.languages import ENGLISH
from branding.models import Brand
from portal.access import people, roles
from portal.access.budgets import HOUR, MINUTE
from portal.access.models import CeilingReached, Person
from portal.audit.record import record
from portal.delivery.dressing import dressed
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, words_of

QUIET = HOUR
"""So long nobody was refused when a ceiling counts as no longer reached: shorter, and one attack would tell of itself
every few minutes."""
BEGAN, OVER = "began", "over"
C = CeilingReached.Ceiling


@dataclass(frozen=True)
class Words:
    """What an alarm says."""

    what: str
    noticed: str
    first: str


def begin(brand: Brand, ceiling: C, now: datetime) -> None:
    """Note that a mail was refused; the first of a time is recorded and told, in the caller's transaction."""
    row, made = CeilingReached.objects.get_or_create(
        brand=brand, ceiling=ceiling, ended_at=None, defaults={"began_at": now, "last_at": now}
    )
    if made:
        record("passcodes.ceiling_reached", ceiling=ceiling.value)
        _tell(row.id, BEGAN)
    elif now - row.last_at >= MINUTE:
        CeilingReached.objects.filter(pk=row.pk).update(last_at=now)


def end_what_is_over(now: datetime) -> int:
    """Tell of ceilings that nobody has met for an hour; how many. Safe to run at any time and twice."""
    ended = 0
    for row in CeilingReached.objects.filter(ended_at=None, last_at__lte=now - QUIET):
        # The condition is the lock: of two that run at once, one tells.
        if CeilingReached.objects.filter(pk=row.pk, ended_at=None, last_at=row.last_at).update(ended_at=now):
            record("passcodes.ceiling_over", ceiling=row.ceiling)
            _tell(row.id, OVER)
            ended += 1
    return ended


def current() -> list[CeilingReached]:
    """Ceilings that are reached now, oldest first."""
    return list(CeilingReached.objects.filter(ended_at=None).select_related("brand").order_by("began_at"))


def _tell(about: UUID, what: str) -> None:
    for person in Person.objects.exclude(role=Person.Role.READER):
        # The first administrator is made before any address is known.
        if roles.may(person, roles.May.HEALTH) and (address := people.address_of(person)):
            enqueue(Outbound.Kind.ALARM, address=address, subject_row=about, words=what)


# --------------------------------------------------------------------------------------------------------- the mail


def build(outbound: Outbound) -> Prepared | None:
    """The mail to one administrator; None when what it tells of is forgotten."""
    known = CeilingReached.objects.select_related("brand")
    row = known.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    if row is None:
        return None
    portal, address, over = choosing.default(), address_of(outbound), words_of(outbound) == OVER
    with translation.override(ENGLISH):  # like the pages of administrators
        said = words(C(row.ceiling), row.brand)
        context = {
            "brand": face(portal),
            "over": over,
            "words": said,
            "began_at": row.began_at,
            "ended_at": row.ended_at,
            "url": choosing.origin(portal) + "/admin/health/",
            "host": portal.host,
        }
        state = _("as usual again") if over else _("more is asked for than may leave")
        subject = _("[{org}] Passcode mail: {state}").format(org=portal.name, state=state)
        heads = own_heads(outbound, portal, address, subject, "alarm")
        mail = dressed("alarm", portal, context).mail(heads)
    # The null sender: an alarm that cannot be delivered must not come back as mail to pass on (RFC 5321 4.5.5).
    return Prepared.whole("", address, mail)


def words(ceiling: C, brand: Brand) -> Words:
    """What is reached, what recipients notice of it, and what to do first."""
    if ceiling == C.NETWORK:
        return Words(
            _("One network has asked {org} for at least {n} passcode mails within an hour; no more are sent.").format(
                org=brand.name, n=f"{settings.LETTERLOCK.passcodes_per_network:,}"
            ),
            _(
                "Whoever comes from that network with a browser that never read here is asked to wait. "
                "All others get their passcodes as usual."
            ),
            _(
                "If many of your recipients sit behind one network, as in a company, raise "
                "LETTERLOCK_PASSCODES_PER_NETWORK. If all of them seem to, your TLS proxy does not say for whom it "
                "asks: see LETTERLOCK_PROXIES. Otherwise nothing is to be done."
            ),
        )
    return Words(
        _("At least {n} passcode mails were asked for at {org} within an hour; no more are sent.").format(
            org=brand.name, n=f"{settings.LETTERLOCK.passcodes_per_brand:,}"
        ),
        _(
            "Whoever comes with a browser that never read here is asked to wait. Browsers in which the address was "
            "confirmed before get their passcodes as usual, and other ways to confirm work for everyone."
        ),
        _(
            "If you have just written to very many people, raise LETTERLOCK_PASSCODES_PER_BRAND. Otherwise look in "
            "your proxy’s log for the networks that ask, and refuse them there."
        ),
    )
