"""R13, step 3: what was written goes to the organisation, and a page says so."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from branding.departments import Offered
from portal.access import cookies
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.ingest.errors import IngestError
from portal.keys.errors import KeysError
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Message
from portal.writing import approaches, write_to_form
from portal.writing.approaches import Draft, NoRoom, SentAlready
from portal.writing.forms import Fault
from portal.writing.write_to_form import COOKIE

log = logging.getLogger(__name__)

NOT_NOW = (OSError, DatabaseError, IngestError, KeysError, VaultError)
"""What ends by itself, and loses nothing that is kept already."""


def send(request: Request, draft: Draft, department: Offered, address: str) -> HttpResponse:
    """To the department, from an address that is proved; then on to the page that says so."""
    lookup = readers.address_lookup(address)
    try:
        approaches.send(draft, department, address, lookup)
    except SentAlready:
        pass
    except NoRoom as error:
        return write_to_form.full(request, "", write_to_form.offered_here(request), draft, None, error)
    except NOT_NOW as error:
        log.error("a first message was not taken: %s", type(error).__name__)
        sentence = _("Your message was not sent. What you wrote is still here. Try again in a few minutes.")
        return write_to_form.shown(
            request, "", write_to_form.offered_here(request), draft, faults=[Fault("message", sentence)], status=503
        )
    return see_other(reverse("write-sent"))


@require_safe
def sent(request: Request) -> HttpResponse:
    """Step 3, for a day; it can be reloaded safely."""
    row = approaches.row_of(cookies.read(request, COOKIE), request.brand, timezone.now())
    if row is None or row.sent_at is None or row.message is None:
        return see_other(reverse("write-to"))
    context = {
        "sent_at": row.sent_at,
        "reference": Message(id=row.message).short_id,
        "inbox_url": write_to_form.inbox_url(request),
        "write_url": reverse("write-to"),
    }
    return render(request, "writing/written.html", context)
