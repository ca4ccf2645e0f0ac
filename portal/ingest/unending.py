"""Whether a sender may have a message stay open (`until=never`): where brand, rights template or rule lets it."""

from __future__ import annotations

from datetime import date
from functools import partial

from branding import choosing
from branding.models import Brand
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.rules import live
from portal.rules.compiling import RuleSet
from portal.rules.decision import Decision
from portal.vault import templates
from portal.vault.models import RightsTemplate


def is_refused(decision: Decision, brand: Brand, day: date) -> bool:
    """Whether a mail that is to be protected on that day is refused for asking for no end: it would close if it had not
    asked. Raises TemplateUnknown."""
    terms = partial(templates.resolve, brand, day, asked=decision.template, imposed=decision.imposed)
    if not decision.asks_never or terms(names_day=True).last_day is not None:
        return False
    return terms().last_day is not None


def is_hopeless(sender: str, rules: RuleSet | None = None) -> bool:
    """Whether nothing that is set up here lets a mail of this sender stay open: known while its sender still waits.

    Whether the rule or the template that could is one that counts for a mail is seen when it is decided on
    (portal.ingest.drafting). The rules are `rules`, else those that are live. Raises RulesUnusable.
    """
    try:
        brand = choosing.of_domain(domain_of(sender))
    except BadAddress:
        return False  # said by whoever looks at addresses
    if not brand.open_days or RightsTemplate.objects.filter(closes=RightsTemplate.Closes.NEVER).exists():
        return False
    all_ = (rules or live.rules()).rules
    orders = [action for rule in all_ for action in rule.document["then"] if action["do"] == "protect"]
    if any(action["open"] == "never" for action in orders):
        return False
    named = {action["brand"] for action in orders} - {""}
    return not Brand.objects.filter(slug__in=named, open_days=0).exists()
