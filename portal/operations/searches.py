"""A search for addresses, kept sealed for an hour and only for whoever made it: no URL holds what was looked for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from portal.access.models import Person
from portal.audit.record import record
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.operations.models import Search

KEPT = timedelta(hours=1)
LABEL = "office-search"
LONGEST_MAIL_ID = 998
"""Of one line of a mail (RFC 5322 section 2.1.1)."""


@dataclass(frozen=True)
class Sought:
    """What was looked for; each may be empty."""

    sender: str = ""
    recipient: str = ""
    mail_id: str = ""
    """A Message-ID as it stands in the mail, with or without its brackets."""

    def __bool__(self) -> bool:
        return bool(self.sender or self.recipient or self.mail_id)

    def __repr__(self) -> str:
        return "Sought(…)"


def keep(by: Person, sought: Sought) -> UUID:
    """Keep it and say in the record that somebody looked, not for whom. BadAddress when an address is none."""
    for address in (sought.sender, sought.recipient):
        if address:
            normalise(address)
    id_ = uuid4()
    asked = json.dumps(asdict(sought)).encode()
    with transaction.atomic():
        Search.objects.filter(made_at__lt=timezone.now() - KEPT).delete()
        Search.objects.create(id=id_, by=by.id, asked=keys().seal_field(LABEL, id_, asked), made_at=timezone.now())
        typed = ",".join(name for name, text in asdict(sought).items() if text)
        record("messages.searched", person=str(by.id), by=typed)
    return id_


def find(by: Person, id_: UUID) -> Sought | None:
    """None when it is over, was never made, or is another's: those cannot be told apart."""
    row = Search.objects.filter(pk=id_, by=by.id, made_at__gte=timezone.now() - KEPT).first()
    return Sought(**json.loads(keys().open_field(LABEL, row.id, bytes(row.asked)))) if row else None


def forget_old() -> int:
    """Remove searches that are over."""
    return Search.objects.filter(made_at__lt=timezone.now() - KEPT).delete()[0]
