"""What a sign-in at a provider came to when it signed nobody in: kept for the page that says so.

That page has an address without secrets, and shows it only to the browser in which the sign-in was begun.
"""

from __future__ import annotations

from django.utils import timezone

from portal.access import cookies
from portal.access.errors import ProviderDown, SignInCancelled, SignInRefused
from portal.access.models import Provider, SignIn
from portal.access.requests import Request
from portal.keys.service import keys
from portal.vault.models import Reader

CANCELLED, DOWN, REFUSED = "cancelled", "down", "refused"
OTHER = "other"
"""An address was proved, and it is not one that leads on here."""


def keep(taken: SignIn, outcome: str, address: str = "") -> None:
    """Note why a sign-in that was taken led nowhere; `address` is what was proved, with OTHER."""
    taken.outcome = outcome
    if address:
        taken.address = keys().seal_field("sign-in-address", taken.id, address.encode())
    taken.save(update_fields=["outcome", "address"])


def last(request: Request, provider: Provider, *, reader: Reader | None = None, sender: bool = False) -> SignIn | None:
    """This browser's last sign-in there, of the last ten minutes, if it ended and led nowhere."""
    token = cookies.read(request, cookies.BROWSER)
    if not token:
        return None
    mine = SignIn.objects.filter(browser=cookies.digest(token), provider=provider, brand=request.brand, office=False)
    rows = mine.filter(reader=reader, sender=sender, expires_at__gt=timezone.now()).select_related("provider")
    row = rows.order_by("-made_at").first()
    return row if row is not None and row.outcome else None


def address_of(row: SignIn) -> str:
    """The address that was proved instead."""
    return keys().open_field("sign-in-address", row.id, bytes(row.address)).decode()


def sentence(outcome: str, provider: Provider, *, passcode: bool) -> str:
    """What a page says of CANCELLED, DOWN or REFUSED; `passcode` is whether there is one to use instead."""
    if outcome == CANCELLED:
        return SignInCancelled(provider.name).sentence
    if outcome == DOWN:
        return ProviderDown(provider.name, passcode=passcode).sentence
    return SignInRefused(provider.name, passcode=passcode).sentence


def of_error(error: SignInCancelled | ProviderDown | SignInRefused) -> str:
    """Which of the outcomes an error of portal.access.oidc.flow is."""
    if isinstance(error, SignInCancelled):
        return CANCELLED
    return DOWN if isinstance(error, ProviderDown) else REFUSED
