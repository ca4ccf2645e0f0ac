"""The mail that tells a sender that theirs is held back or was ended by an administrator, and why (M9)."""

from __future__ import annotations

from django.utils import translation

from branding import choosing, languages
from branding.templatetags.words import plain_moment
from portal.delivery import telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, words_of
from portal.ingest.models import Spooled
from portal.mime.addresses import Mailbox, domain_of


def build(outbound: Outbound) -> Prepared | None:
    """In plain words, without a word of what the mail said: its date and size tell its sender which one it was."""
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    address = address_of(outbound)
    brand = choosing.of_domain(domain_of(address))
    reached = Outbound.objects.filter(kind="relay", message=row.pk, state=Outbound.State.SENT).count()
    with translation.override(languages.of_brand(brand)):
        context = {
            "brand": brand,
            "received_at": row.received_at,
            "recipients": row.recipients,
            "reached": reached,
            "reason": words_of(outbound),
            "id": row.pk,
            "held": row.state == Spooled.State.HELD,
        }
        subject = translation.gettext("Not sent: your message of {moment}").format(moment=plain_moment(row.received_at))
        return telling.word(outbound, brand, Mailbox("", address), subject, "refusal", context)
