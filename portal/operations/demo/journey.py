"""How far a mail of the demo's send form has come, as four lights."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from portal.delivery.models import Outbound
from portal.operations.tracing import Trace, trace


@dataclass(frozen=True)
class Light:
    """One stop on the way; `detail` says what happened there, "" while it has not."""

    label: str
    on: bool
    detail: str = ""


@dataclass(frozen=True)
class Journey:
    """The way of one mail. `over` when nothing more will happen by itself."""

    lights: tuple[Light, ...]
    over: bool
    trace: Trace


def journey(id_: UUID) -> Journey | None:
    """None when no mail has this id."""
    found = trace(id_)
    if found is None:
        return None
    said = {event.kind: event.sentence for event in found.events}
    accepted = said.get("message.accepted", "")
    relayed = any(mail.kind == Outbound.Kind.RELAY for mail in found.mails)
    leaving = [mail for mail in found.mails if mail.kind != Outbound.Kind.PASSCODE]
    sent = bool(leaving) and all(mail.state == Outbound.State.SENT for mail in leaving)
    lights = [
        Light(_("Received"), True, said.get("message.received", "")),
        Light(_("Rule"), bool(accepted), accepted),
        Light(_("Sealed"), "message.sealed" in said, said.get("message.sealed", "")),
        Light(_("Mail sent"), sent, _("The mail to %(to)s has left.") % {"to": leaving[0].to} if sent else ""),
    ]
    if relayed:
        # Nothing was asked for, so nothing is sealed: a dark light would look like a failure.
        del lights[2]
    return Journey(tuple(lights), sent or found.held, found)
