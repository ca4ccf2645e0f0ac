"""Whether a sender may have a message stay open (`until=never`): where brand, rights template or rule lets it."""

from __future__ import annotations

from branding import choosing
from branding.models import Brand
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.rules import live
from portal.vault.models import RightsTemplate


def is_hopeless(sender: str) -> bool:
    """Whether nothing that is set up here lets a mail of this sender stay open: known while its sender still waits.

    Whether the rule or the template that could is one that counts for a mail is seen when it is decided on
    (portal.ingest.drafting). Raises RulesUnusable.
    """
    try:
        brand = choosing.of_domain(domain_of(sender))
    except BadAddress:
        return False  # said by whoever looks at addresses
    if not brand.open_days or RightsTemplate.objects.filter(closes=RightsTemplate.Closes.NEVER).exists():
        return False
    orders = [action for rule in live.rules().rules for action in rule.document["then"] if action["do"] == "protect"]
    if any(action["open"] == "never" for action in orders):
        return False
    named = {action["brand"] for action in orders} - {""}
    return not Brand.objects.filter(slug__in=named, open_days=0).exists()
