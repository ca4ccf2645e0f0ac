"""Which messages a run is about: by sender, recipient, brand, rule, when they were sent and whether they were opened.

Addresses are found by their keyed hashes; the choice itself is kept sealed and stands in no URL and no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import cbor2
from django.db.models import Exists, OuterRef, QuerySet

from portal.keys.service import keys
from portal.lifecycle.errors import BadReaderAddress, NothingChosen
from portal.mime.addresses import mask
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import address_lookup

LABEL = "bulk"
OPEN, UNOPENED, ANY = "open", "unopened", "any"
STATES = (OPEN, UNOPENED, ANY)


@dataclass(frozen=True)
class Choice:
    """What was asked for; "" and None stand for any."""

    sender: str = ""
    recipient: str = ""
    brand: str = ""
    """A brand's slug."""
    rule: str = ""
    since: datetime | None = None
    before: datetime | None = None
    state: str = OPEN

    def __repr__(self) -> str:
        return "Choice(…)"

    @property
    def masked_sender(self) -> str:
        return mask(self.sender) if self.sender else ""

    @property
    def masked_recipient(self) -> str:
        return mask(self.recipient) if self.recipient else ""

    def seal(self, run: UUID) -> bytes:
        """For the run's row."""
        since, before = (moment.isoformat() if moment else "" for moment in (self.since, self.before))
        fields = [self.sender, self.recipient, self.brand, self.rule, since, before, self.state]
        return keys().seal_field(LABEL, run, cbor2.dumps(fields))


def opened(run: UUID, sealed: bytes) -> Choice:
    """The other way round; key errors."""
    document = cbor2.loads(keys().open_field(LABEL, run, sealed))
    sender, recipient, brand, rule, since, before, state = map(str, document)
    moments = [datetime.fromisoformat(moment) if moment else None for moment in (since, before)]
    return Choice(sender, recipient, brand, rule, moments[0], moments[1], state)


def check(choice: Choice) -> None:
    """Raises NothingChosen when it would mean all messages there are, BadReaderAddress for what is no address."""
    if not (choice.sender or choice.recipient or choice.brand or choice.rule or choice.since):
        raise NothingChosen
    for address in (choice.sender, choice.recipient):
        if address:
            _lookup(address)


def faults(choice: Choice, *, began: bool = False) -> dict[str, str]:
    """All that is wrong with it, a sentence each, by the field; `began` when a day to begin with was typed wrongly."""
    found: dict[str, str] = {}
    for name, address in (("sender", choice.sender), ("recipient", choice.recipient)):
        try:
            if address:
                _lookup(address)
        except BadReaderAddress as bad:
            found[name] = str(bad)
    try:
        if not found and not began:
            check(choice)
    except NothingChosen as nothing:
        found[""] = str(nothing)
    return found


def messages(choice: Choice, asked_at: datetime) -> QuerySet[Message]:
    """Those it means among what was sealed by then and is not destroyed, the newest first."""
    found = Message.objects.filter(destroying_at=None, made_at__lte=asked_at)
    if choice.sender:
        found = found.filter(pk__in=_readers(choice.sender, Reader.Role.AUTHOR))
    if choice.recipient:
        found = found.filter(pk__in=_readers(choice.recipient, Reader.Role.RECIPIENT))
    if choice.brand:
        found = found.filter(brand__slug=choice.brand)
    if choice.rule:
        found = found.filter(rule=choice.rule)
    if choice.since:
        found = found.filter(made_at__gte=choice.since)
    if choice.before:
        found = found.filter(made_at__lt=choice.before)
    if choice.state != ANY:
        found = found.filter(state=Message.State.OPEN)
    if choice.state == UNOPENED:
        found = found.exclude(was_opened())
    return found.order_by("-made_at", "-pk")


def was_opened() -> Exists:
    """Whether any recipient of a message has opened it."""
    return Exists(
        Reader.objects.filter(message=OuterRef("pk"), role=Reader.Role.RECIPIENT, first_opened_at__isnull=False)
    )


def _readers(address: str, role: str) -> QuerySet[Reader, UUID]:
    return Reader.objects.filter(address_lookup=_lookup(address), role=role).values_list("message_id", flat=True)


def _lookup(address: str) -> bytes:
    try:
        return address_lookup(address)
    except BadAddress:
        raise BadReaderAddress from None
