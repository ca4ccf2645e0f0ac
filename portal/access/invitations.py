"""The mail with an administrator's one-time link, made only in the moment the mail is sent: it waits nowhere."""

from __future__ import annotations

from django.utils import timezone, translation

from branding import choosing
from branding.context import face
from branding.languages import ENGLISH
from portal.access import entry, people, roles
from portal.access.models import Person
from portal.delivery.dressing import dressed
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.verp import address_for


def invitation(outbound: Outbound) -> Prepared | None:
    """The mail to a new administrator; None when they are none any more, or when its link would be too old."""
    person = Person.objects.filter(pk__in=[outbound.subject_row], role__in=roles.OFFICE).first()
    if person is None or not roles.permissions_of(person) or timezone.now() - outbound.made_at > entry.LIFE:
        return None
    brand, address = choosing.default(), people.address_of(person)
    # A try that fails leaves a link that nobody has; the next try's ends it.
    link = entry.link(entry.make(person, mailed=True))
    with translation.override(ENGLISH):  # like the pages of administrators
        context = {
            "brand": face(brand),
            "role": roles.Role(person.role).label,
            "link": link,
            "host": brand.host,
            "address": address,
        }
        subject = translation.gettext("You can administer the secure messages of {org}").format(org=brand.name)
        heads = own_heads(outbound, brand, address, subject, "invitation")
        mail = dressed("invitation", brand, context).mail(heads)
    return Prepared.whole(address_for(outbound, brand), address, mail)
