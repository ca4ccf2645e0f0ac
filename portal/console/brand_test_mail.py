"""The test mail of a brand: its draft's notice with a message that nobody sent, to the administrator who asked."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import languages, versions
from branding.models import Brand
from portal.access import people, roles
from portal.access.models import Person
from portal.access.roles import May
from portal.console import brand_samples
from portal.delivery.heads import automatic
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.naming import own_address
from portal.delivery.queue import words_of
from portal.delivery.verp import address_for
from portal.mime.addresses import Mailbox
from portal.mime.building import Heads

LATEST = timedelta(hours=1)
"""Who asked looks for it now."""
LEADS_TO = "/genuine/"
"""Where its button leads: there is no message."""


def build(outbound: Outbound) -> Prepared | None:
    """The mail; None when the brand is gone, or who asked may not see it any more, or it would come too late."""
    person = Person.objects.filter(pk__in=[outbound.subject_row]).first()
    row = Brand.objects.filter(slug=words_of(outbound)).first()
    late = timezone.now() - outbound.made_at > LATEST
    if row is None or person is None or late or not roles.may(person, May.BRANDS):
        return None
    address = people.address_of(person)
    brand = versions.as_brand(row, versions.standing(row).document)
    with translation.override(languages.of_brand(brand)):
        look = brand_samples.notice(brand, address, LEADS_TO)
        behalf = _("{sender} via {org}").format(sender=brand_samples.SENDER, org=brand.name)
        subject = _("Protected message from {sender}").format(sender=brand_samples.SENDER)
    heads = Heads(
        from_=Mailbox(behalf, own_address(brand)),
        to=(Mailbox("", address),),
        subject=brand_samples.marked_subject(subject),
        date=outbound.made_at,
        # The host that is live, for the draft's is nobody's yet.
        message_id=f"<{outbound.id}@{row.host}>",
        extra=automatic("test"),
    )
    return Prepared.whole(address_for(outbound, row), address, look.mail(heads))
