"""Delegates: someone inside who sees what became of another's messages, and acts on them (decision 44).

A sender lets another do so, or an administrator does; either ends it, and it ends at once. It is never handed on: what
a delegate is let see is what that one sender sent, and nothing that anybody lets that sender see. A delegate lets
nobody read a message. Whoever was let in by an administrator is shown no subject and no name of a file: no role of the
office can give itself, or anyone, a look at what a message is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from branding import choosing, languages
from branding.models import Brand
from portal.access import budgets, grants, people, senders
from portal.access.errors import AccessError
from portal.access.models import Delegation, Person
from portal.audit.record import record
from portal.delivery import telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue
from portal.mime.addresses import Mailbox, normalise

MOST = 20
"""Delegates of one sender under one brand."""
SENDER, OFFICE = "sender", "office"


class Reason(models.TextChoices):
    """Why an administrator lets somebody in, or ends it. A fixed list: the record holds nothing that a person wrote."""

    ASKED = "asked", _lazy("The sender asked for it")
    ABSENT = "absent", _lazy("The sender is away")
    LEFT = "left", _lazy("Left the organisation")
    DUTIES = "duties", _lazy("Other duties now")
    RISK = "risk", _lazy("Their device or account may be in other hands")


class DelegateRefused(AccessError):
    """Somebody cannot be a delegate."""


class NotInside(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("That is not an address of this organisation. Only someone who can sign in here can act for a sender.")


class SameAddress(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("That is the sender’s own address. Enter another one.")


class NotForYourself(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("You cannot let yourself act for somebody. Another owner, or the sender, can.")


class AlreadyDelegate(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("That person acts for this sender already.")


class TooManyDelegates(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("Twenty people act for this sender already. End one of them first.")


class TooManyToday(DelegateRefused):
    @property
    def sentence(self) -> str:
        return _("Twenty people were let act for this sender today. Try again tomorrow.")


@dataclass(frozen=True)
class By:
    """Who gives or ends it: the sender, or an administrator with a reason; by their row."""

    who: str
    row: UUID
    reason: str = ""


def give(owner: Person, address: str, brand: Brand, by: By) -> Delegation:
    """Let the person of `address` act for `owner` from now on. What an administrator gave, the sender can make theirs.

    Raises DelegateRefused, and BadAddress when it is no address.
    """
    check_inside(brand, address)
    check_inside(brand, people.address_of(owner))
    if not senders.may_sign_in(brand, address):
        raise NotInside
    delegate = people.of_address(address)
    if delegate == owner:
        raise SameAddress
    if by.who == OFFICE and delegate.pk == by.row:
        raise NotForYourself
    office = by.who == OFFICE
    with budgets.one_at_a_time(owner.pk.bytes):
        if Delegation.objects.filter(owner=owner, brand=brand).count() >= MOST:
            raise TooManyDelegates
        if budgets.adding_opens(owner.pk, "delegate", timezone.now()):
            raise TooManyToday
        _forget_unfit(owner, delegate, brand)
        row, made = Delegation.objects.get_or_create(
            owner=owner, delegate=delegate, brand=brand, defaults={"by_office": office}
        )
        if made:
            grants.seal(row)
            row.save(update_fields=["seal"])
            budgets.count_added(owner.pk, "delegate", timezone.now())
        if not made and not (not office and _taken_over(row)):
            raise AlreadyDelegate
        record("sender.delegate_added", **_facts(row, by))
        if office:
            enqueue(Outbound.Kind.DELEGATED, address=people.address_of(owner), subject_row=row.pk)
    return row


def _forget_unfit(owner: Person, delegate: Person, brand: Brand) -> None:
    """What nobody here gave is no reason to say that somebody acts for them already."""
    same = Delegation.objects.filter(owner=owner, delegate=delegate, brand=brand)
    for row in same.select_related("owner", "delegate"):
        if not grants.fits(row):
            row.delete()


def check_inside(brand: Brand, address: str) -> None:
    """Whether somebody can sign in as a sender of this brand. Raises BadAddress, NotInside."""
    normalise(address)
    if not senders.is_inside(brand, address):
        raise NotInside


def end(row: Delegation, by: By) -> None:
    """They see and do nothing more, from their next request on. Nothing happens where it has ended already."""
    with transaction.atomic():
        if Delegation.objects.filter(pk=row.pk).delete()[0]:
            record("sender.delegate_removed", **_facts(row, by))
            grants.end(row)


def of_owner(owner: Person, brand: Brand) -> list[Delegation]:
    """Whom a sender lets act, or an administrator does for them; the oldest first."""
    rows = Delegation.objects.filter(owner=owner, brand=brand)
    return list(rows.select_related("delegate").order_by("made_at", "pk"))


def of_delegate(delegate: Person, brand: Brand) -> list[Delegation]:
    """For whom somebody acts now."""
    rows = Delegation.objects.filter(delegate=delegate, brand=brand)
    return [row for row in rows.select_related("owner", "delegate").order_by("made_at", "pk") if grants.is_whole(row)]


def build(outbound: Outbound) -> Prepared | None:
    """The mail that tells a sender of what an administrator gave; None when it has ended meanwhile."""
    rows = Delegation.objects.select_related("delegate", "brand")
    row = rows.filter(pk=outbound.subject_row, by_office=True).first() if outbound.subject_row else None
    if row is None:
        return None
    brand, address = row.brand, address_of(outbound)
    with translation.override(languages.of_brand(brand)):
        delegate = people.address_of(row.delegate)
        here = senders.url_for(brand, address)
        context: dict[str, object] = {
            "brand": brand,
            "delegate": delegate,
            "url": choosing.origin(brand) + reverse("sent-delegates") if here else "",
            "host": brand.host,
        }
        subject = _("{address} can now act on what you send").format(address=delegate)
        return telling.word(outbound, brand, Mailbox("", address), subject, "delegated", context)


def _taken_over(row: Delegation) -> bool:
    """Whether the sender made what an administrator gave their own just now."""
    given = Delegation.objects.filter(pk=row.pk, by_office=True, seal=bytes(row.seal))
    row.by_office = False
    grants.seal(row)
    return bool(given.update(by_office=False, seal=row.seal))


def _facts(row: Delegation, by: By) -> dict[str, Any]:
    found = {"owner": str(row.owner_id), "delegate": str(row.delegate_id), "brand": row.brand.slug}
    return found | {"who": by.who, "by": str(by.row)} | ({"reason": by.reason} if by.reason else {})
