"""A received mail settled: opened, read, decided on and sealed. Nothing is written yet (portal.ingest.settled)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from django.conf import settings

from branding import choosing
from branding.models import Brand
from portal import observing
from portal.access import sender_defaults
from portal.delivery.queue import Asked
from portal.directory.membership import groups_of_one
from portal.ingest import (
    answering,
    drafting,
    incidents,
    isolation,
    knowing,
    ordering,
    returning,
    scanning,
    spool,
    tips,
)
from portal.ingest.errors import IngestError, NeverRefused
from portal.ingest.models import Spooled
from portal.ingest.spoolfile import OWN
from portal.mime.editing import Change
from portal.mime.reading import Letter, read
from portal.rules import live, seen
from portal.rules.compiling import RuleSet
from portal.rules.deciding import decide
from portal.rules.decision import Decision
from portal.rules.models import Seen
from portal.vault import sealing, templates
from portal.vault.errors import TemplateUnknown
from portal.vault.models import Message


class Refused(IngestError):
    """A rule refuses the mail."""


@dataclass(frozen=True)
class Opened:
    """A mail that was opened and read. `passes` says why it passes untouched; "" when the rules decide."""

    row: Spooled
    raw: bytes
    letter: Letter
    envelope: spool.Envelope
    passes: str

    def __repr__(self) -> str:
        return f"Opened({self.row.pk})"


@dataclass(frozen=True)
class Ready:
    """A mail that was opened, read and decided on, and is sealed if it is to be; nothing of it is written yet."""

    row: Spooled
    decision: Decision
    envelope: spool.Envelope
    draft: sealing.Draft | None = None
    sealed: sealing.Sealed | None = None
    change: Change | None = None
    """What is changed in the bytes of a mail that is passed on."""
    tip: Asked | None = None
    """The mail that tells its sender what a rule did."""
    seen: Seen | None = None
    """What is kept of it for trying other rules."""
    incidents: tuple[incidents.Incident, ...] = ()
    """Messages of our own that tell people inside of it."""

    def __repr__(self) -> str:
        return f"Ready({self.row.pk})"

    @property
    def action(self) -> str:
        """What becomes of it: "protect", "relay", "refuse", "hold" or "drop"."""
        return "protect" if self.draft is not None else self.decision.action

    @property
    def is_over(self) -> bool:
        """Whether, once written, nothing needs the spool file: it is sealed, or concerns nobody any more."""
        return self.draft is not None or not self.envelope.recipients


def opened(row: Spooled) -> Opened:
    """Raises whatever is wrong with the spool, the mail or the keys."""
    with observing.work("read", row.pk, size=row.size), isolation.bounded(row.size):
        found = spool.open_spooled(row)
        raw = found.read()
        letter = read(raw)
        return Opened(row, raw, letter, *returning.look(raw, letter, found.envelope))


def ready(mails: Sequence[Opened], each: Callable[[Spooled, Callable[[], Ready]], Ready | None]) -> list[Ready]:
    """What was decided on and sealed, outside any transaction; `each` does one mail's work, or leaves it out."""
    answered = answering.answered([(one.letter, one.envelope) for one in mails])
    brand_of = cache(choosing.of_domain)  # the mails of one group are mostly of one sender
    rules = live.rules()
    chosen = sender_defaults.of_senders([one.envelope.sender for one in mails if one.envelope.trusted])
    works = [partial(_decided, one, of, brand_of, rules, chosen) for one, of in zip(mails, answered, strict=True)]
    done = [each(one.row, work) for one, work in zip(mails, works, strict=True)]
    return [one for one in done if one is not None]


def _decided(
    one: Opened,
    answered: Message | None,
    brand_of: Callable[[str], Brand],
    rules: RuleSet,
    chosen: sender_defaults.ByBrand,
) -> Ready:
    """Raises whatever is wrong with the mail, its rules or the keys."""
    row = one.row
    if one.passes:
        return Ready(row, Decision("relay", rule=one.passes), one.envelope)
    with observing.work("pipeline", row.pk, size=row.size, state=row.state), isolation.bounded(row.size):
        if one.envelope.source == OWN:
            done = Ready(row, incidents.decision_of(one.letter), one.envelope)
        else:
            done = _asked_of_rules(one, rules, refers=answered is not None)
        decision = done.decision
        told = incidents.Subject(row, one.envelope, one.letter, one.raw, decision, decision.action)
        if decision.action in ("refuse", "hold", "drop"):
            return replace(done, incidents=incidents.written(told))
        change, envelope = ordering.change_of(decision, one.letter), ordering.addressed(one.envelope, decision)
        if decision.action == "relay":
            return replace(done, envelope=envelope, change=change, incidents=incidents.written(told))
        _check_template(decision, one.envelope.sender)
        scanned_at = scanning.check(one.raw, one.letter, one.envelope)
        letter, raw = drafting.without_phrase(one.letter, one.raw)
        if change is not None:
            raw = ordering.applied(raw, change)
            letter = read(raw)
        try:
            draft = drafting.draft(row, letter, raw, envelope, decision, answered, brand_of, scanned_at, chosen)
        except NeverRefused as refused:
            decision = replace(decision, action="refuse", text=str(refused), may_override=False)
            told = replace(told, decision=decision, outcome=decision.action)
            return replace(done, decision=decision, tip=_tip(one, decision), incidents=incidents.written(told))
        with observing.work("seal", size=row.size):
            sealed = sealing.seal_streams(draft)
        told = replace(told, level=draft.rights.level, split=draft.split)
        return replace(done, envelope=envelope, draft=draft, sealed=sealed, incidents=incidents.written(told))


def _asked_of_rules(one: Opened, rules: RuleSet, *, refers: bool) -> Ready:
    """What the rules order, with what its sender is told and what is kept. Raises Refused."""
    facts, default = knowing.facts(one.letter, one.envelope, one.raw, refers=refers), settings.LETTERLOCK.default_action
    approved = one.row.approval == Spooled.Approval.GIVEN
    decision = decide(facts, rules, default, approved=approved)
    if decision.bad_wish:
        raise Refused(decision.text)
    if decision.action not in ("refuse", "drop") and ordering.forbids(decision, one.letter):
        decision = replace(decision, action="refuse", text=ordering.UNCHANGEABLE, may_override=False)
    if approved and decision.reports:
        # Of what spoke of it before it was held, they were told then.
        before = {rule.id for rule in decide(facts, rules, default).matched}
        decision = replace(decision, reports=tuple(r for r in decision.reports if r.rule_id not in before))
    kept = seen.kept(one.row.pk, facts, decision)
    return Ready(one.row, decision, one.envelope, tip=_tip(one, decision), seen=kept)


def _tip(one: Opened, decision: Decision) -> Asked | None:
    if decision.action == "drop":
        return None
    texts = list(decision.words)
    if decision.action in ("refuse", "hold"):
        texts = [*filter(None, [decision.text]), *texts]
    if not texts and decision.action != "hold":
        return None
    outcome = tips.HELD if decision.action == "hold" else decision.action
    return tips.asked(one.row, one.envelope, one.letter, outcome, texts, may_override=decision.may_override)


def _check_template(decision: Decision, sender: str) -> None:
    if decision.template:
        try:
            templates.choice(decision.template, sender, groups_of_one)
        except TemplateUnknown as unknown:
            raise Refused(str(unknown)) from None
