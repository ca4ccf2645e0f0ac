"""Mail that no rule may lock, tried on every rule set before it is published.

What left here itself passes by its seal before any rule is asked (portal.ingest.returning), so it is not tried here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from branding.models import Brand
from portal.rules.actions import LOCKING
from portal.rules.compiling import RuleSet
from portal.rules.deciding import decide
from portal.rules.diverting import diverts
from portal.rules.document import Document, Rule
from portal.rules.errors import BadRules, Problem
from portal.rules.facts import Facts
from portal.rules.sensitive import TYPES

_INSIDE, _OUTSIDE = "inside.invalid", "outside.invalid"
_REPORT = 'multipart/report; report-type=delivery-status; boundary="x"'


@dataclass(frozen=True)
class Sample:
    """One mail that must go through, with what it is in words."""

    words: str
    facts: Facts


def samples(inside: Sequence[str]) -> list[Sample]:
    """The fixed set, among people of these domains, in words that no rule names."""
    home = inside[0] if inside else _INSIDE
    domains = tuple(inside) or (_INSIDE,)
    ordinary = _facts("q7vk2m", f"x7k2@{home}", f"q9d4@{home}", domains)
    bounce = _facts("q7vk2m", "", f"x7k2@{home}", domains)
    return [
        Sample("ordinary mail among your own people", ordinary),
        Sample("a bounce", replace(bounce, headers=(*bounce.headers, ("content-type", _REPORT)))),
        Sample("mail to postmaster", _facts("q7vk2m", f"x7k2@{_OUTSIDE}", f"postmaster@{home}", domains)),
        Sample("mail to abuse", _facts("q7vk2m", f"x7k2@{home}", f"abuse@{_OUTSIDE}", domains)),
    ]


def _facts(subject: str, sender: str, recipient: str, inside: tuple[str, ...]) -> Facts:
    headers = (("from", sender or f"mailer-daemon@{_OUTSIDE}"), ("to", recipient), ("subject", subject))
    return Facts(subject, headers, sender, (recipient,), True, inside, 2000, content_type="text/plain")


def problems(rules: RuleSet) -> list[Problem]:
    """What a rule set would lock that must pass, and where it would send mail to the portal itself."""
    numbered = list(enumerate(rules.document["rules"]))
    found = [
        problem for place, rule in numbered for problem in (*_circles(place, rule), *_reported_outside(place, rule))
    ]
    found += _same_names(rules.document)
    for sample in samples(settings.LETTERLOCK.inside_domains):
        found += _locked(sample, rules)
    return found


def _locked(sample: Sample, rules: RuleSet) -> list[Problem]:
    # Of nobody in these samples the directory knows anything, which says nothing of people whom it knows.
    decided = decide(sample.facts, rules, "relay", doubts=False)
    if decided.action not in LOCKING:
        return []
    place = next((n for n, rule in enumerate(rules.rules) if rule.name == decided.rule), 0)
    said = (
        f"Rule {place + 1} “{decided.rule}” would {decided.action} {sample.words}. Add a condition, so that it passes."
    )
    return [Problem(("rules", place), said)]


def _circles(place: int, rule: Rule) -> list[Problem]:
    """Copies to the portal's own addresses would come back to the same rules."""
    own = _own_hosts()
    named = [a for one in rule["then"] if diverts(one) for a in one["addresses"]]
    if not any(address.rpartition("@")[2] in own for address in named):
        return []
    said = f"Rule {place + 1} “{rule['name']}” would send mail to the portal itself, and so in a circle."
    return [Problem(("rules", place, "then"), said)]


def _reported_outside(place: int, rule: Rule) -> list[Problem]:
    """Who is told of incidents, or asked to approve, is one of our own people."""
    named = [a for one in rule["then"] if one["do"] in ("incident_report", "hold") for a in one["addresses"]]
    inside = settings.LETTERLOCK.inside_domains
    if all(address.rpartition("@")[2] in inside for address in named):
        return []
    said = (
        f"Rule {place + 1} “{rule['name']}” reports to, or asks, an address outside the organisation; name one inside."
    )
    return [Problem(("rules", place, "then"), said)]


def _same_names(document: Document) -> list[Problem]:
    """Own kinds of sensitive information by whose short name nobody knows which kind a rule means."""
    slugs = [one["slug"] for one in document["types"]]
    return [
        Problem(
            ("types", place, "slug"),
            f"Kind {place + 1} of “types” is called “{slug}”, as another or a built-in one is. Give it another slug.",
        )
        for place, slug in enumerate(slugs)
        if slug in TYPES or slug in slugs[:place]
    ]


def _own_hosts() -> frozenset[str]:
    hosts = set(Brand.objects.values_list("host", flat=True))
    return frozenset({*hosts, settings.LETTERLOCK.public_host.partition(":")[0]})


def check(rules: RuleSet) -> None:
    """Raises BadRules, with a sentence for each mail that would be locked, naming the rule."""
    if found := problems(rules):
        raise BadRules(found)
