"""The passcode mail (M3), written only in the moment it is sent: the digits wait nowhere."""

from __future__ import annotations

import hmac

from django.utils import timezone, translation

from branding import languages
from branding.context import face
from branding.models import Brand
from portal.access.models import Challenge
from portal.delivery.dressing import dressed
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.verp import address_for
from portal.vault import readers
from portal.vault.models import Reader


def passcode(outbound: Outbound) -> Prepared | None:
    """The mail for a challenge; None when its time has passed, a newer one waits, or nobody has the address."""
    rows = Challenge.objects.select_related("brand", "reader__message")
    challenge: Challenge | None = rows.filter(public_id=outbound.subject_row).first()
    if challenge is None or challenge.refusal(timezone.now()) or _is_overtaken(outbound):
        return None
    address = _mailbox(challenge)
    if not address:
        return None
    return Prepared.whole(address_for(outbound, challenge.brand), address, _written(challenge, outbound, address))


def _mailbox(challenge: Challenge) -> str:
    """The address that the passcode goes to; "" when nobody here has it."""
    reader: Reader | None = challenge.reader
    if challenge.errand:
        address = challenge.asked_address()
    else:
        found = reader or readers.of_person(bytes(challenge.address_lookup), challenge.brand).first()
        # The address the message went to, never the typed one: the two may differ in case, and only one is known to
        # work.
        address = readers.address_of(found) if found else ""
    # The passcode proves what the row says it proves, so it goes to nobody else.
    same = address and hmac.compare_digest(readers.address_lookup(address), bytes(challenge.address_lookup))
    return address if same else ""


def _is_overtaken(outbound: Outbound) -> bool:
    """Whether the same challenge was mailed again since: this mail would only bring the same digits twice."""
    later = Outbound.objects.filter(subject_row=outbound.subject_row, kind=outbound.kind, made_at__gt=outbound.made_at)
    return later.exists()


def _written(challenge: Challenge, outbound: Outbound, address: str) -> bytes:
    brand: Brand = challenge.brand
    context = {
        "brand": face(brand),
        "code": challenge.code(),
        "reference": challenge.reference,
        "until": challenge.expires_at,
        "minutes": round((challenge.expires_at - challenge.sent_at).total_seconds() / 60),
        # Without its port, which a phone would take for a passcode.
        "host": brand.host,
    }
    with translation.override(languages.known(challenge.language) or languages.of_brand(brand)):
        subject = translation.gettext("Your passcode for {org} ({reference})").format(
            org=brand.name, reference=challenge.reference
        )
        heads = own_heads(outbound, brand, address, subject, "passcode")
        return dressed("passcode", brand, context).mail(heads)
