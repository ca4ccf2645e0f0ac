"""Whether a passcode came back: the page that waits for it says so, in plain words."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import places
from portal.access.models import Challenge
from portal.access.places import Place
from portal.delivery import telling
from portal.delivery.models import Outbound


def sentence(place: Place, challenge: Challenge, address: str) -> str:
    """What to say of the newest mail of a challenge; "" while it may still arrive.

    Not said on the neutral page, where it would tell that someone has the address.
    """
    if place.reader is None and place.errand is None:
        return ""
    mails = Outbound.objects.filter(subject_row=challenge.public_id, kind=Outbound.Kind.PASSCODE)
    mail = mails.order_by("-made_at").first()
    # Refused when it was handed over, or came back since.
    if mail is None or (mail.state != Outbound.State.FAILED and mail.news != Outbound.News.FAILED):
        return ""
    reason = telling.explained(mail.heard or mail.last_answer, timezone.now() - mail.made_at).reason
    shown = places.masked(address)["masked"]
    return _("The passcode could not be delivered to {masked}: {reason}.").format(masked=shown, reason=reason)
