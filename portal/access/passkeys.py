"""Passkeys of a person at a brand: added after another proof, used to sign in, renamed, removed.

The same functions serve readers and, with `office`, administrators; neither's passkey works as the other's.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from branding.models import Brand
from portal.access import alerts, budgets, challenges, grants
from portal.access.ceremonies import Answer, Party, Signed, check_made, check_signed, creation_options, request_options
from portal.access.challenges import Purpose
from portal.access.credentials import Keyholder, Passkey
from portal.access.models import Person, Session
from portal.access.passkey_errors import (
    MailboxNotProved,
    PasskeyAsleep,
    PasskeyRefused,
    PasskeysOff,
    PasskeyThere,
    PasskeyUnknown,
    TooManyAdded,
    TooManyPasskeys,
)
from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.keys.service import keys
from portal.vault import readers

METHOD = "passkey"
"""As brands list it among their methods."""
PROVED_EVERY = timedelta(days=180)
"""A mailbox can change hands (R15)."""
WAITS = timedelta(minutes=30)
"""How long after it was refused for that another proof, in the same browser, still speaks for a passkey's holder."""
MOST = 10
"""Of one person at one brand."""
LONGEST_NAME = 60


def offered(brand: Brand) -> bool:
    """Whether recipients of a brand may use passkeys. None can be bound to a host that is a number."""
    return (brand.methods is None or METHOD in brand.methods) and not brand.host.replace(".", "").isdecimal()


def of(person: Person, brand: Brand, *, office: bool = False) -> QuerySet[Passkey]:
    """A person's, the oldest first."""
    return Passkey.objects.filter(person=person, brand=brand, office=office).order_by("made_at", "id")


def holder(person: Person, brand: Brand, *, office: bool = False) -> Keyholder:
    """Whom authenticators know a person as; made when first asked for."""
    return Keyholder.objects.get_or_create(person=person, brand=brand, office=office)[0]


# ---------------------------------------------------------------------------------------------------------- adding


def ask_to_add(person: Person, brand: Brand, browser: bytes, *, user_name: str, office: bool = False) -> dict[str, Any]:
    """Options for navigator.credentials.create(); `user_name` is what the authenticator shows to tell accounts apart.

    Raises:
        PasskeysOff: the brand does without.
        TooManyPasskeys, TooManyAdded: the person has MOST of them, or added too many today.
    """
    _must_be_offered(brand, office)
    _must_have_room(person, brand, office)
    known = of(person, brand, office=office).values_list("credential", flat=True)
    return creation_options(
        Party.of(brand),
        handle=bytes(holder(person, brand, office=office).handle),
        user_name=user_name,
        challenge=challenges.issue(_adding(person, brand, browser, office), timezone.now()),
        known=[bytes(credential) for credential in known],
    )


def add(
    person: Person,
    brand: Brand,
    browser: bytes,
    answer: str,
    *,
    proved_at: datetime,
    device: str = "",
    office: bool = False,
) -> Passkey:
    """Keep the passkey that a browser made. `proved_at` is when the person last proved the mailbox.

    Raises:
        PasskeyRefused: one of its kinds, with the sentence for the page.
    """
    _must_be_offered(brand, office)
    _must_have_room(person, brand, office)
    now = timezone.now()
    read = Answer.read(answer)
    challenges.check(read.challenge, _adding(person, brand, browser, office), now)
    made = check_made(Party.of(brand), read)
    passkey = Passkey(
        person=person,
        brand=brand,
        office=office,
        credential=made.credential,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=made.transports,
        device=device,
        synced=made.synced,
        backed_up=made.backed_up,
        made_at=now,
        proved_at=proved_at,
    )
    try:
        with budgets.one_at_a_time(person.id.bytes):
            challenges.use_up(read.challenge)
            count = _must_have_room(person, brand, office)
            budgets.count_added(person.id, METHOD, now)
            passkey.name = _sealed_name(passkey, device or _("Passkey {n}").format(n=count + 1))
            grants.seal(passkey)
            passkey.save(force_insert=True)
            kind = "administrator.passkey_added" if office else "recipient.passkey_added"
            record(kind, passkey=str(passkey.id), synced=made.synced)
            if not office:
                _warn(passkey)
    except IntegrityError:
        raise PasskeyThere from None
    return passkey


# ------------------------------------------------------------------------------------------------------ signing in


def ask_to_sign_in(brand: Brand, browser: bytes, *, office: bool = False) -> dict[str, Any]:
    """Options for navigator.credentials.get(). They name nobody. Raises PasskeysOff."""
    _must_be_offered(brand, office)
    purpose = Purpose(challenges.SIGN_IN, brand, browser, office=office)
    return request_options(Party.of(brand), challenges.issue(purpose, timezone.now()))


def recognise(brand: Brand, browser: bytes, answer: str, *, office: bool = False) -> Passkey:
    """The passkey that a browser proved to hold; its person is who signs in.

    Raises:
        PasskeyRefused: one of its kinds, with the sentence for the page.
    """
    _must_be_offered(brand, office)
    now = timezone.now()
    read = Answer.read(answer)
    challenges.check(read.challenge, Purpose(challenges.SIGN_IN, brand, browser, office=office), now)
    rows = Passkey.objects.select_related("person").filter(brand=brand, office=office)
    passkey = rows.filter(credential=read.credential).first()
    if passkey is None or not grants.is_whole(passkey):
        raise PasskeyUnknown
    signed = check_signed(Party.of(brand), read, bytes(passkey.public_key))
    # Section 7.2 step 6: the authenticator says whose it is, and that must be who we keep it for.
    if read.handle != bytes(holder(passkey.person, brand, office=office).handle):
        raise PasskeyUnknown
    with transaction.atomic():
        challenges.use_up(read.challenge)
        # Handed out, not raised: an exception would undo what it reports.
        refused = _refusal(passkey, signed, browser, now)
    if refused is not None:
        raise refused
    return passkey


def _refusal(passkey: Passkey, signed: Signed, browser: bytes, now: datetime) -> PasskeyRefused | None:
    """What a right signature still falls short of; None notes it as used."""
    if passkey.asleep_at is not None:
        return _refused(passkey, PasskeyAsleep(), "asleep")
    # The condition is the lock: of two answers with one counter, one changes the row and the other is a copy's.
    forward = Q(sign_count__lt=signed.sign_count) if signed.sign_count else Q(sign_count=0)
    same = Passkey.objects.filter(pk=passkey.pk, asleep_at=None)
    if not same.filter(forward).update(sign_count=signed.sign_count, backed_up=signed.backed_up):
        _sessions(passkey).delete()  # one of them may be the copy's
        refused = _refused(passkey, PasskeyAsleep(), "counter")
        _change(passkey, ends=True, asleep_at=now)
        return refused
    if not passkey.office and now - passkey.proved_at >= PROVED_EVERY:
        _change(passkey, waits_in=browser, waits_until=now + WAITS)
        return _refused(passkey, MailboxNotProved(), "mailbox")
    same.update(used_at=now)
    return None


def _change(passkey: Passkey, *, ends: bool = False, **values: Any) -> None:
    """Change what a passkey claims, as far as it is whole now; with `ends` what it said before counts no more."""
    with transaction.atomic():
        rows = Passkey.objects.select_related("person").select_for_update(of=("self",))
        held = rows.filter(pk=passkey.pk).first()
        if held is None or not grants.is_whole(held):
            return
        before = copy(held)
        for name, value in values.items():
            setattr(held, name, value)
        grants.seal(held)
        held.save(update_fields=[*values, "seal"])
        if ends:
            grants.end(before)


def of_another(passkey: Passkey) -> None:
    """Note that it was used at a message to somebody else; nothing opened."""
    _refused(passkey, PasskeyUnknown(), "address")


def mailbox_proved(person: Person, brand: Brand, browser: bytes) -> None:
    """Proved by passcode or provider in this browser: the passkeys that were refused there for want of it work again.

    No others: who has taken the mailbox over must not bring the passkeys of its last owner back to life.
    """
    now = timezone.now()
    if browser:
        for waiting in of(person, brand).filter(waits_in=browser, waits_until__gt=now):
            _change(waiting, proved_at=now, waits_in=b"", waits_until=None)


# -------------------------------------------------------------------------------------------------------- changing


def name_of(passkey: Passkey) -> str:
    """What its owner calls it."""
    return keys().open_field("passkey", passkey.id, bytes(passkey.name)).decode()


def rename(passkey: Passkey, name: str) -> None:
    """Call it something else; an empty name leaves the old one."""
    if name.strip():
        with transaction.atomic():
            Passkey.objects.filter(pk=passkey.pk).update(name=_sealed_name(passkey, name))
            record("recipient.passkey_renamed", passkey=str(passkey.id))


def remove(passkey: Passkey, here: Session | None = None) -> None:
    """It opens nothing any more, from the next request on, nor do the sessions that it began, `here` excepted.

    The device that it is on may be lost, and then they are in other hands.
    """
    begun = _sessions(passkey)
    with transaction.atomic():
        (begun.exclude(pk=here.pk) if here else begun).delete()
        if Passkey.objects.filter(pk=passkey.pk).delete()[0]:
            kind = "administrator.passkey_removed" if passkey.office else "recipient.passkey_removed"
            record(kind, passkey=str(passkey.id))
            grants.end(passkey)


def _sessions(passkey: Passkey) -> QuerySet[Session]:
    """Those that it began: they bear the moment in which it was made."""
    begun = Session.objects.filter(person=passkey.person_id, brand=passkey.brand_id, office=passkey.office)
    return begun.filter(method=METHOD, factor_at=passkey.made_at)


def _warn(passkey: Passkey) -> None:
    """By mail, which whoever signed in with a stolen session does not get. Who has no message left has no address."""
    reader = readers.of_person(bytes.fromhex(passkey.person.lookup), passkey.brand).first()
    if reader is not None:
        alerts.warn(Outbound.Kind.PASSKEY, reader, passkey.device)


def _sealed_name(passkey: Passkey, name: str) -> bytes:
    shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME]
    return keys().seal_field("passkey", passkey.id, shown.encode("utf-8", "replace"))


def _adding(person: Person, brand: Brand, browser: bytes, office: bool) -> Purpose:
    return Purpose(challenges.ADD, brand, browser, person.id, office)


def _must_be_offered(brand: Brand, office: bool) -> None:
    """A brand's methods are its recipients'; administrators may always use passkeys."""
    if not office and not offered(brand):
        raise PasskeysOff


def _must_have_room(person: Person, brand: Brand, office: bool) -> int:
    """How many there are; TooManyPasskeys when that is MOST, TooManyAdded when enough were added today."""
    count = of(person, brand, office=office).count()
    if count >= MOST:
        raise TooManyPasskeys
    if budgets.adding_opens(person.id, METHOD, timezone.now()):
        raise TooManyAdded
    return count


def _refused(passkey: Passkey, error: PasskeyRefused, reason: str) -> PasskeyRefused:
    """Recorded for right signatures only: a stranger must not be able to fill the record."""
    kind = "administrator.passkey_refused" if passkey.office else "recipient.passkey_refused"
    record(kind, passkey=str(passkey.id), reason=reason)
    return error
