"""Whether the pages on the way in offer a passkey, and whether before all else."""

from __future__ import annotations

from django.urls import reverse

from branding.models import Brand
from portal.access import cookies, passkeys
from portal.access.credentials import Passkey
from portal.access.models import TrustedBrowser
from portal.access.requests import Request
from portal.vault import readers
from portal.vault.models import Reader


def of(request: Request, reader: Reader | None) -> dict[str, object]:
    """The context of access/ways/passkey_main.html and passkey_more.html; `reader` is None on the neutral page.

    `passkey_url` is "" where passkeys are not offered; `passkey_first` says which of the two templates is shown.
    """
    brand = request.brand
    if not passkeys.offered(brand):
        return {"passkey_url": "", "passkey_first": False}
    return {
        "passkey_url": reverse("passkey", args=[readers.link_of(reader)]) if reader else reverse("find-by-passkey"),
        "passkey_ask_url": reverse("passkey-ask"),
        "passkey_first": _was_used_here(request, brand, reader),
    }


def _was_used_here(request: Request, brand: Brand, reader: Reader | None) -> bool:
    """Whether one that works, of this reader's address or on the neutral page of any, was used in this very browser.

    Known by the browser's own cookie: who has none sees the same page whether an address has passkeys or not.
    """
    trusted = cookies.digest_of(request, cookies.TRUSTED)
    if not trusted:
        return False
    used = TrustedBrowser.objects.filter(token=trusted, passkey_at__isnull=False)
    if reader is not None:
        used = used.filter(address_lookup=bytes(reader.address_lookup))
    people = [bytes(lookup).hex() for lookup in used.values_list("address_lookup", flat=True)]
    awake = Passkey.objects.filter(brand=brand, office=False, asleep_at=None)
    return awake.filter(person__lookup__in=people).exists()
