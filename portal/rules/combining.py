"""What several rules order about one mail, made one decision: the strictest verdict, and all that goes with it.

Refuse, hold, protect, take protection off, require TLS, pass on: of these the first that a rule orders is done. Of
several that protect, the highest level, the earliest end and the strictest key split count; rights template, brand and
delivery are those of the first rule that names one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from portal.rules.actions import CLASSIFICATION, LOCKING, SEVERITIES, VERDICTS
from portal.rules.compiling import CompiledRule
from portal.rules.decision import ActionName, Decision, Disclaimer, Edits, Matched, Report
from portal.rules.errors import BadTrigger
from portal.rules.facts import Facts
from portal.rules.overriding import WORDS
from portal.rules.triggers import HEADER, TAGS, Trigger, parse_trigger, strip_tag

__all__ = ["LOCKING", "decision"]
Action = Mapping[str, Any]
Speaking = Sequence[tuple[CompiledRule, bool]]
_SPLITS = ("strict", "escrow", "off")
HELD = "It waits until an administrator approves it."


def decision(
    facts: Facts,
    speaking: Speaking,
    default_action: str,
    version: int = 0,
    *,
    approved: bool = False,
    override: str = "",
    may_override: bool = False,
    manager: str = "",
) -> Decision:
    """One decision of the rules that matched, in order; each with whether that is only taken for granted.

    `override` is how its sender sets refusals aside that allow it, `may_override` whether this one could. `manager` is
    the sender's, where a rule names that.
    """
    matched = tuple(_matched(rule, unsure) for rule, unsure in speaking)
    ordering = [rule for rule, _ in speaking if rule.state == "on"]
    ordered = [(rule, action) for rule in ordering for action in rule.document["then"]]
    overridden: tuple[str, ...] = ()
    if override:
        overridden = tuple(dict.fromkeys(rule.name for rule, action in ordered if _is_overridable(action)))
        ordered = [(rule, action) for rule, action in ordered if not _is_overridable(action)]
    if any(rule.verdict == "drop" for rule in ordering):
        ordered = [
            (rule, action)
            for rule, action in ordered
            if action["do"] != "drop" or not is_never_dropped(facts, action, approved=approved)
        ]
    verdict, by = _verdict(ordered, facts, approved=approved)
    found = _of_verdict(verdict, by, ordered, facts, default_action)
    subject = strip_tag(found.tag_removed_subject, WORDS) if overridden else found.tag_removed_subject
    prefix = "".join(
        action["text"].rstrip() + " " for _, action in reversed(ordered) if action["do"] == "prepend_subject"
    )
    return replace(
        found,
        version=version,
        matched=matched,
        tag_removed_subject=prefix + subject,
        copies=_copies(ordered, manager),
        lacks_manager=not manager and any(action.get("manager") for _, action in ordered),
        redirect=_addresses(ordered, "redirect_to"),
        edits=_edits(ordered, prefix),
        severity=_severity(ordered),
        reports=_reports(ordered, facts),
        words=tuple(dict.fromkeys(action["text"] for _, action in ordered if action["do"] == "notify_sender")),
        tags=tuple(dict.fromkeys(action["name"] for _, action in ordered if action["do"] == "tag")),
        override=override if overridden else "",
        overridden=overridden,
        may_override=verdict == "refuse" and may_override and not any(map(_is_firm, ordered)),
    )


def is_never_dropped(facts: Facts, order: Action, *, approved: bool) -> bool:
    """Whether a mail is not deleted though a rule orders it: an administrator approved it, a reader wrote it here, who
    was told that it is sent, or a trusted program asks by header to protect it and the rule does not speak of those."""
    asked = facts.trusted and bool(facts.header(HEADER))
    return approved or facts.written_here or (asked and not order["also_asked"])


def _is_overridable(action: Action) -> bool:
    return action["do"] == "refuse" and bool(action["override"])


def _is_firm(of: tuple[CompiledRule, Action]) -> bool:
    return of[1]["do"] == "refuse" and not of[1]["override"]


def default(facts: Facts, default_action: str, version: int = 0) -> Decision:
    """What happens to a mail that no rule decides on: anything but "relay" protects, and so does what a reader wrote
    here and sends outside."""
    if default_action == "relay" and not (facts.written_here and not _stays(facts, ())):
        return Decision("relay", "default", tag_removed_subject=facts.subject, version=version)
    return Decision("protect", "default", tag_removed_subject=strip_tag(facts.subject), version=version)


Ordered = Sequence[tuple[CompiledRule, Action]]


def _matched(rule: CompiledRule, unsure: bool) -> Matched:
    strictest = rule.verdict or rule.document["then"][0]["do"]
    return Matched(rule.id, rule.name, rule.kinds, strictest, rule.state == "log", unsure)


def _verdict(ordered: Ordered, facts: Facts, *, approved: bool) -> tuple[str, str]:
    """The strictest verdict and the name of the first rule that orders it; of refusals one that nobody sets aside."""
    first: dict[str, str] = {}
    for rule, action in ordered:
        first.setdefault("firm" if action["do"] == "refuse" and not action["override"] else action["do"], rule.name)
    if "firm" in first:
        return "refuse", first["firm"]
    for verdict in VERDICTS:
        if verdict not in first or (approved and verdict == "hold"):
            continue
        if verdict != "remove_protection" or _may_unprotect(facts, ordered):
            return verdict, first[verdict]
    return "", ""


def _may_unprotect(facts: Facts, ordered: Ordered) -> bool:
    """Only what belongs to a conversation of our own; and what a reader wrote here never leaves in clear, nor does a
    copy of it."""
    return facts.refers_to_protected and (_stays(facts, ordered) or not facts.written_here)


def _stays(facts: Facts, ordered: Ordered) -> bool:
    """Whether it goes to nobody outside, whoever the rules name besides."""
    inside = set(facts.inside_domains)
    sent_to = (*facts.recipients, *_addresses(ordered, "copy_to"), *_addresses(ordered, "redirect_to"))
    return all(address.rpartition("@")[2].lower() in inside for address in sent_to)


def _of_verdict(verdict: str, by: str, ordered: Ordered, facts: Facts, default_action: str) -> Decision:
    chosen = [action for _, action in ordered if action["do"] == verdict]
    if verdict == "refuse":
        text = min(chosen, key=_is_overridable)["text"]
        return replace(_ended("refuse", by, ordered, facts), text=text)
    if verdict == "hold":
        return replace(_ended("hold", by, ordered, facts), text=chosen[0]["text"])
    if verdict == "drop":
        return _ended("drop", by, ordered, facts)
    if verdict == "protect":
        wish = next((rule.is_wish for rule, action in ordered if action["do"] == verdict), False)
        return _protected(by, chosen, facts, _tags(ordered), wish=wish)
    if facts.written_here and not _stays(facts, ordered):
        return default(facts, "protect")
    if verdict == "" and default_action != "relay":
        return default(facts, default_action)
    relayed = Decision("relay", by or _first_name(ordered) or "default", tag_removed_subject=facts.subject)
    tls = "verified" if any(action["do"] == "require_tls" for _, action in ordered) else ""
    return replace(relayed, unprotects=verdict == "remove_protection", tls=tls)


def _ended(verdict: ActionName, by: str, ordered: Ordered, facts: Facts) -> Decision:
    """One that is not sealed now, with the level and split that are asked for it: who is shown it needs no less."""
    wanted = [action for _, action in ordered if action["do"] == "protect"]
    try:
        asked = _asked(facts)
    except BadTrigger:
        asked = Trigger()
    return Decision(
        verdict,
        by,
        tag_removed_subject=facts.subject,
        level=max([asked.level, *(action["level"] for action in wanted)]),
        split=_strictest_split([asked.split, *(action["split"] for action in wanted)]),
    )


def _first_name(ordered: Ordered) -> str:
    return ordered[0][0].name if ordered else ""


def _tags(ordered: Ordered) -> frozenset[str]:
    return frozenset(TAGS).union(*(rule.tags for rule, _ in ordered))


def _protected(by: str, chosen: Sequence[Action], facts: Facts, tags: frozenset[str], *, wish: bool) -> Decision:
    asked = Trigger()
    if any(action["as_asked"] for action in chosen):
        try:
            asked = _asked(facts)
        except BadTrigger as error:
            return Decision("refuse", by, tag_removed_subject=facts.subject, text=str(error), bad_wish=True)
    named, until = _open(chosen, facts.today, asked)
    return Decision(
        "protect",
        by,
        rights=asked.rights,
        keeps_default_date=not named,
        open_until=until,
        asks_never=asked.never and until is None and all(action["open"] != "never" for action in chosen),
        tag_removed_subject=strip_tag(facts.subject, tags),
        note=asked.note,
        split=_strictest_split([asked.split, *(action["split"] for action in chosen)]),
        delivery=asked.delivery or _first(action["delivery"] for action in chosen),
        receipt=asked.receipt,
        level=max(asked.level, *(action["level"] for action in chosen)),
        phrase=asked.phrase,
        hint=asked.hint,
        template=asked.template,
        imposed=_first(action["template"] for action in chosen),
        brand=_first(action["brand"] for action in chosen),
        wish=wish,
    )


def _asked(facts: Facts) -> Trigger:
    """What the trigger header asks for; nothing when it is not there or nobody's wishes count. Raises BadTrigger."""
    values = facts.header(HEADER)
    if not values or not facts.trusted:
        return Trigger()
    if len(set(values)) != 1:
        raise BadTrigger("The header X-Letterlock-Protect is there more than once; send it once.")
    return parse_trigger(values[0], facts.today)


def _open(chosen: Sequence[Action], today: date, asked: Trigger) -> tuple[bool, date | None]:
    """Whether anything says how long it is open, and the earliest last day; None is for ever."""
    days = [
        today + timedelta(days=action["open"])
        for action in chosen
        if isinstance(action["open"], int) and action["open"]
    ]
    days += [asked.until] if asked.until is not None else []
    never = asked.never or any(action["open"] == "never" for action in chosen)
    return bool(days) or never, min(days) if days else None


def _strictest_split(said: Sequence[str]) -> str:
    return next((split for split in _SPLITS if split in said), "")


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _addresses(ordered: Ordered, kind: str) -> tuple[str, ...]:
    named = (address for _, action in ordered if action["do"] == kind for address in action["addresses"])
    return tuple(dict.fromkeys(named))


def _severity(ordered: Ordered) -> str:
    said = [action["severity"] for _, action in ordered if action["do"] == "set_severity"]
    return max(said, key=SEVERITIES.index, default="")


def _reports(ordered: Ordered, facts: Facts) -> tuple[Report, ...]:
    """To addresses inside alone, whatever was inside when the rule was published."""
    inside = frozenset(facts.inside_domains)
    named = [
        (rule, action, tuple(one for one in action["addresses"] if one.rpartition("@")[2] in inside))
        for rule, action in ordered
        if action["do"] == "incident_report"
    ]
    return tuple(
        Report(rule.name, rule.id, to, tuple(action["parts"]), action["level"]) for rule, action, to in named if to
    )


def _copies(ordered: Ordered, manager: str) -> tuple[str, ...]:
    wanted = manager and any(action["do"] == "copy_to" and action["manager"] for _, action in ordered)
    return tuple(dict.fromkeys((*_addresses(ordered, "copy_to"), *([manager] if wanted else []))))


def _edits(ordered: Ordered, prefix: str) -> Edits:
    def of(kind: str) -> list[Action]:
        return [action for _, action in ordered if action["do"] == kind]

    set_: dict[str, tuple[str, str]] = {}
    for action in of("set_classification"):
        set_.setdefault(CLASSIFICATION.lower(), (CLASSIFICATION, action["name"]))
    for action in of("set_spam_confidence"):
        set_.setdefault(action["name"].lower(), (action["name"], str(action["value"])))
    removed = [action["name"].lower() for action in of("remove_header")]
    return Edits(
        add=(*((action["name"], action["value"]) for action in of("add_header")), *set_.values()),
        remove=tuple(dict.fromkeys([*removed, *set_])),
        prefix=prefix,
        disclaimers=tuple(Disclaimer(one["text"], one["at"], one["if_signed"]) for one in of("disclaimer")),
    )
