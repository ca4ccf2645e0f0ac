"""The decision: what the rules order about a mail, or else the default; and why each of them spoke of it or did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.rules import combining, overriding
from portal.rules.compiling import CompiledRule, RuleSet, condition
from portal.rules.conditions import KINDS, Pools
from portal.rules.conditions.mail import is_bounce
from portal.rules.decision import Decision
from portal.rules.document import GROUPS, leaves
from portal.rules.facts import Facts
from portal.rules.sensitive import TYPES, SensitiveType
from portal.rules.tokens import MARK, filled
from portal.rules.view import View

Own = Mapping[str, SensitiveType]
Path = tuple[str | int, ...]

NEVER_LOCKED = frozenset({"postmaster", "abuse"})
"""Mailboxes that must be reached as they are (RFC 5321 section 4.5.1, RFC 2142 section 4)."""


def decide(
    facts: Facts, rules: RuleSet, default_action: str, *, approved: bool = False, doubts: bool = True
) -> Decision:
    """Decide about one mail, for all its recipients. Never raises; a trigger that cannot be followed is a refusal.

    `default_action` is "relay" or "protect"; anything but "relay" protects. `approved` says that an administrator has
    let it go on: no rule holds it again, and the rules behind the one that held it are asked. Without `doubts`, a rule
    that cannot be told counts as not matched.
    """
    view = View(facts)
    speaking: list[tuple[CompiledRule, bool]] = []
    for place in rules.index.candidates(view):
        rule = rules.rules[place]
        if (holds := rule.check(view)) is False:
            continue
        unsure = holds is None
        if (unsure and not (doubts and rule.safe)) or not rule.is_active(facts.today) or _is_spared(rule, view):
            continue
        speaking.append((rule, unsure))
        if rule.state == "on" and _ends(rule, rules, view, unsure=unsure, approved=approved):
            break
    if not speaking:
        return combining.default(facts, default_action, rules.version)
    allows = any(rule.overridable for rule, _ in speaking)
    manager = view.senders_manager if any(rule.asks_manager for rule, _ in speaking) else ""
    found = combining.decision(
        facts,
        speaking,
        default_action,
        rules.version,
        approved=approved,
        override=overriding.asked(view) if allows else "",
        may_override=allows and overriding.may(view),
        manager=manager,
    )
    if found.action == "hold":
        found = replace(found, approvers=_approvers(view, speaking, manager))
    if any(MARK in one.text for one in found.edits.disclaimers):
        texts = tuple(replace(one, text=filled(one.text, view)) for one in found.edits.disclaimers)
        found = replace(found, edits=replace(found.edits, disclaimers=tuple(one for one in texts if one.text.strip())))
    if any("sensitive" in report.parts for report in found.reports):
        return replace(found, sensitive=_sensitive(view, speaking, rules.own_types))
    return found


def _approvers(view: View, speaking: list[tuple[CompiledRule, bool]], manager: str) -> tuple[str, ...]:
    """Those inside whom the rules name to approve it; nobody approves what they send themselves."""
    holds = [one for rule, _ in speaking if rule.state == "on" for one in rule.document["then"] if one["do"] == "hold"]
    named = [address for one in holds for address in (*one["addresses"], *([manager] if one["manager"] else []))]
    senders = view.senders("either")
    return tuple(one for one in dict.fromkeys(named) if view.is_inside(one) and one not in senders)


def _sensitive(view: View, speaking: list[tuple[CompiledRule, bool]], own: Own) -> tuple[tuple[str, int], ...]:
    """The kinds that rules which matched look for, and how many of each there are."""
    wanted = [leaf for rule, _ in speaking for leaf in leaves(rule.document) if leaf["if"] == "sensitive"]
    names = dict.fromkeys(one["name"] for leaf in wanted for one in leaf["types"])
    found = view.sensitive(names, own) if names else {}
    counts = [((own.get(slug) or TYPES[slug]).name, sum(one.count for one in found[slug])) for slug in names]
    return tuple((name, count) for name, count in counts if count)


def _ends(rule: CompiledRule, rules: RuleSet, view: View, *, unsure: bool, approved: bool) -> bool:
    """Whether no rule behind one that matched is asked: not where it decides nothing that would protect the mail."""
    verdict = rule.verdict
    if verdict and (approved or rule.overridable or verdict == "drop"):
        left = (one for one in rule.verdicts if not _has_had_its_say(rule, one, view, approved=approved))
        if not (verdict := next(left, "")):
            return False
    if unsure and verdict not in combining.LOCKING:
        return False  # it may not match at all, and a later rule may protect what this one would pass on
    return rules.first_wins or rule.stops


def _has_had_its_say(rule: CompiledRule, verdict: str, view: View, *, approved: bool) -> bool:
    """Whether a verdict is not done any more, or never of this mail: somebody approved it, its sender sends it anyway,
    or it is one that is not deleted."""
    if verdict == "hold":
        return approved
    if verdict == "drop":
        order = next(one for one in rule.document["then"] if one["do"] == "drop")
        return combining.is_never_dropped(view.facts, order, approved=approved)
    return verdict == "refuse" and rule.overridable and bool(overriding.asked(view))


def _is_spared(rule: CompiledRule, view: View) -> bool:
    """Whether a mail must not be locked by this rule, though it matches: bounces, and mail to those who keep mail
    going. Not what its sender asks for."""
    if rule.is_wish or not rule.verdict or rule.verdict not in combining.LOCKING:
        return False
    return spared(view)


def spared(view: View) -> bool:
    """Whether no rule may lock a mail: a delivery report, or one only to postmaster or abuse."""
    recipients = view.recipients("envelope")
    if recipients and all(one.partition("@")[0].lower() in NEVER_LOCKED for one in recipients):
        return True
    return is_bounce(view)


@dataclass(frozen=True)
class Result:
    """What one rule made of a mail. `path` is the first condition that failed, as keys into the rule's document."""

    id: str
    name: str
    looked: bool
    """Whether it was asked: not when it is off, out of its days, or behind a rule that ended it."""
    matched: bool | None
    """None when that cannot be told."""
    path: Path
    words: str
    """Why not, or what held, in words."""
    only_logged: bool
    counts: bool
    """Whether what it orders is done."""


def explain(facts: Facts, rules: RuleSet) -> list[Result]:
    """For every rule, in order, whether it spoke of the mail, and if not, which condition failed first."""
    view = View(facts)
    found = []
    over = ""
    for rule in rules.rules:
        result = _explained(rule, view, facts, over, rules.own_types)
        found.append(result)
        unsure = result.matched is None
        if result.counts and not over and _ends(rule, rules, view, unsure=unsure, approved=False):
            over = f"rule “{rule.name}” came first"
    return found


def _explained(rule: CompiledRule, view: View, facts: Facts, over: str, own: Own) -> Result:
    if over or not rule.is_active(facts.today):
        words = over or ("it is off" if rule.state == "off" else "it is not in its days")
        return Result(rule.id, rule.name, False, False, (), words, rule.state == "log", False)
    holds = rule.check(view)
    logged = rule.state == "log"
    if holds is True or (holds is None and rule.safe):
        if _is_spared(rule, view):
            words = "it would lock a bounce, or mail to postmaster or abuse"
            return Result(rule.id, rule.name, True, holds, (), words, logged, False)
        words = "all its conditions hold" if holds else "a condition cannot be told, so it counts as matched"
        if _has_had_its_say(rule, rule.verdict, view, approved=False):
            never = "; mail like this is never deleted"
            words += never if rule.verdict == "drop" else "; its sender sends it anyway, which it allows"
        return Result(rule.id, rule.name, True, holds, _unknown_path(rule, view, own, holds), words, logged, not logged)
    path, words = _failing(rule, view, own)
    return Result(rule.id, rule.name, True, holds, path, words, logged, False)


def _unknown_path(rule: CompiledRule, view: View, own: Own, holds: bool | None) -> Path:
    return () if holds else _failing(rule, view, own)[0]


def _failing(rule: CompiledRule, view: View, own: Own) -> tuple[Path, str]:
    """The first condition that keeps a rule from matching: one that fails, or an exception that holds."""
    found = _first(rule.document["when"], ("when",), view, own, wanted=True)
    if found is not None:
        return found
    for number, one in enumerate(rule.document["except"]):
        if (found := _first(one, ("except", number), view, own, wanted=False)) is not None:
            return found
    return (), "a condition cannot be told"


def _first(given: Mapping[str, Any], path: Path, view: View, own: Own, *, wanted: bool) -> tuple[Path, str] | None:
    """The first single condition below `given` that keeps it from being `wanted`; None when nothing does."""
    if _asked(given, view, own) is wanted:
        return None
    kind = next((kind for kind in GROUPS if kind in given), None)
    if kind is None:
        said = KINDS[given["if"]].words({name: value for name, value in given.items() if name != "if"})
        return path, f"{'not so' if wanted else 'an exception holds'}: {said}"
    inner = given[kind]
    seek = wanted if kind != "none" else not wanted
    for number, one in enumerate(inner):
        if (found := _first(one, (*path, kind, number), view, own, wanted=seek)) is not None:
            return found
    return path, f"{'not so' if wanted else 'an exception holds'}: {kind} of {len(inner)} conditions"


def _asked(given: Mapping[str, Any], view: View, own: Own) -> bool | None:
    pools = Pools(own)
    check = condition(given, pools)
    pools.compile()
    return check(view)
