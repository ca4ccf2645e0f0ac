"""The mail that tells a sender that an administrator ended their mail, and why."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from branding import choosing
from portal.delivery import naming
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, words_of
from portal.ingest.models import Spooled
from portal.mime.addresses import Mailbox, domain_of
from portal.mime.building import Heads, alternative


def build(outbound: Outbound) -> Prepared | None:
    """In plain words, without a word of what the mail said: its date and size tell its sender which one it was."""
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    address = address_of(outbound)
    brand = choosing.of_domain(domain_of(address))
    reached = Outbound.objects.filter(kind="relay", message=row.pk, state=Outbound.State.SENT).count()
    context = {
        "brand": brand,
        "received_at": row.received_at,
        "recipients": row.recipients,
        "reached": reached,
        "reason": words_of(outbound),
        "id": row.pk,
    }
    heads = Heads(
        from_=Mailbox(f"{brand.name} secure messages", naming.own_address(brand)),
        to=(Mailbox("", address),),
        subject=f"Not sent: your message of {timezone.localtime(row.received_at):%d %B %Y, %H:%M}",
        date=timezone.localtime(outbound.made_at),
        message_id=f"<{outbound.id}@{brand.host}>",
        extra=(("X-Letterlock", "refusal"), ("Auto-Submitted", "auto-replied")),
    )
    text, html = (render_to_string(f"mail/refusal.{kind}", context) for kind in ("txt", "html"))
    # The null sender: what bounces of it goes nowhere, so it can never loop (RFC 5321 section 4.5.5).
    return Prepared.whole("", address, alternative(heads, text, html))
