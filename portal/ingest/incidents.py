"""Incident reports: a message of our own, protected like any other, that tells people inside what a rule found.

It goes through the spool as mail does, so it is sealed from the start and made exactly once with what it tells of. No
rule is asked about it, and it is always protected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding import choosing, languages
from branding.models import Brand
from portal.audit.record import record
from portal.delivery import naming
from portal.ingest import drafting, spool
from portal.ingest.models import Spooled
from portal.ingest.spoolfile import OWN
from portal.mime.addresses import Mailbox, domain_of, normalise
from portal.mime.building import Attachment, Heads, letter, new_message_id
from portal.mime.errors import BadAddress
from portal.mime.reading import Letter
from portal.rules.actions import ASKING
from portal.rules.decision import Decision, Report
from portal.rules.triggers import HEADER as TRIGGER
from portal.rules.triggers import parse_trigger

RULE = "incident report"
_ASKS = ("sender", "recipients", "cc", "bcc", "subject", "severity", "rules", "sensitive", "override", "original")
MOST_LISTED = 10
"""Recipients that are named; of more their number."""


@dataclass(frozen=True)
class Incident:
    """One report, ready to be spooled."""

    report: Report
    severity: str
    raw: bytes = field(repr=False)

    @property
    def whole(self) -> bool:
        return "original" in self.report.parts


@dataclass(frozen=True)
class Subject:
    """The mail that is told of, and what became of it: `level` and `split` are those it was sealed with, if it was."""

    row: Spooled
    envelope: spool.Envelope
    letter: Letter = field(repr=False)
    raw: bytes = field(repr=False)
    decision: Decision = field(repr=False)
    outcome: str
    level: int = 1
    split: str = ""


def written(about: Subject) -> tuple[Incident, ...]:
    """The reports that a decision orders, and what asks people to approve it, each a mail in full.

    Raises TriggerStays.
    """
    found = about.decision
    asks = [Report(found.rule, "", found.approvers, _ASKS, asks=True)] if found.approvers else []
    if not found.reports and not asks:
        return ()
    brand = _brand_of(about.envelope.sender)
    with translation.override(languages.of_brand(brand)):
        return tuple(Incident(one, found.severity, _mail(one, brand, about)) for one in (*found.reports, *asks))


def commit(about: UUID, incidents: Sequence[Incident]) -> None:
    """Into the spool, in the caller's transaction. Raises SpoolUnavailable; then nothing of it is kept."""
    for one in incidents:
        envelope = spool.Envelope("", one.report.to, OWN, trusted=True)
        writer = spool.SpoolWriter.begin(envelope, len(one.raw))
        try:
            writer.write(one.raw)
            made = writer.commit()
        except BaseException:
            writer.discard()
            raise
        if one.report.asks:
            Spooled.objects.filter(pk=about).update(asked_in=made)
            people = len(one.report.to)
            record("message.approval_asked", message=about, rule=one.report.rule, request=str(made), people=people)
            continue
        record(
            "incident.reported", message=about, rule=one.report.rule, severity=one.severity, report=str(made),
            people=len(one.report.to), whole=one.whole,
        )  # fmt: skip


def decision_of(found: Letter) -> Decision:
    """What happens to a report, by the header that it was written with; no rule is asked. Raises BadTrigger."""
    wish = next((value for name, value in found.headers if name.lower() == TRIGGER), "")
    asked = parse_trigger(wish, timezone.localdate())
    brand = _brand_at(found.sender.address if found.sender else "")
    return Decision(
        "protect",
        ASKING if asked.rights.get("download") is False else RULE,
        rights=asked.rights,
        tag_removed_subject=found.subject,
        level=asked.level,
        split=asked.split,
        brand=brand.slug if choosing.named(brand.slug) else "",
    )


def _brand_of(sender: str) -> Brand:
    try:
        return choosing.of_domain(domain_of(sender))
    except BadAddress:
        return choosing.default()


def _brand_at(own: str) -> Brand:
    """The brand that writes from an address of its own."""
    return choosing.of_host(own.rpartition("@")[2]) or _brand_of(own)


def _mail(report: Report, brand: Brand, about: Subject) -> bytes:
    """Nobody answers or forwards it, and it takes no less to read than the mail that it tells of. Whoever is to approve
    that reads it here and nowhere else."""
    may = "fwd=0; reply=0; all=0" + "; dl=0; print=0; copy=0; mark=1" * report.asks
    said = _("Your approval is asked: {rule}") if report.asks else _("Incident report: {rule}")
    level, split = max(report.level, about.level, about.decision.level), about.split or about.decision.split
    asks = f"; split={split}" if split not in ("", "off") else ""
    heads = Heads(
        from_=Mailbox(brand.name, naming.own_address(brand)),
        to=tuple(Mailbox("", address) for address in report.to),
        subject=said.format(rule=report.rule),
        date=timezone.localtime(),
        message_id=new_message_id(brand.host),
        extra=((TRIGGER.title(), f"v=1; {may}; level={level}{asks}"),),
    )
    files = []
    if "original" in report.parts:
        _letter, kept = drafting.without_phrase(about.letter, about.raw)
        files.append(Attachment("mail.eml", "message/rfc822", [kept]))
    return b"".join(letter(heads, "\n".join(_lines(report, about)) + "\n", "", files))


def _lines(report: Report, about: Subject) -> Iterator[str]:
    parts, decision, envelope, found = frozenset(report.parts), about.decision, about.envelope, about.letter
    if report.asks:
        yield _("A mail waits until you approve it or refuse it. Read it below, then choose “Approve or refuse”.")
        yield ""
    else:
        yield _("A rule spoke of a mail.")
        yield ""
        yield _outcome(about.outcome)
    if "rules" in parts:
        names = [one.name for one in decision.matched if not one.only_logged]
        yield ngettext("Rule: {names}", "Rules: {names}", len(names)).format(names=", ".join(names))
    if "severity" in parts and decision.severity:
        yield _severity(decision.severity)
    if "sensitive" in parts and decision.sensitive:
        kinds = ", ".join(f"{name} ({count})" for name, count in decision.sensitive)
        yield _("Sensitive information: {kinds}").format(kinds=kinds)
    if "override" in parts and decision.overridden:
        yield _mistaken() if decision.override == "mistaken" else _("Its sender sent it anyway.")
    if "sender" in parts:
        yield from _sender(envelope.sender, found.sender.address if found.sender else "")
    yield from _recipients(parts, envelope, found)
    if "subject" in parts:
        yield _("Subject: {subject}").format(subject=found.subject)
    yield ""
    yield _("Its number in the record: {id}").format(id=about.row.pk)


def _sender(sent_by: str, written_by: str) -> Iterator[str]:
    shown = sent_by or written_by
    yield _("Sender: {address}").format(address=shown) if shown else _("It names no sender.")
    if sent_by and written_by and _comparing(sent_by) != _comparing(written_by):
        yield _("Written as from: {address}").format(address=written_by)


def _recipients(parts: frozenset[str], envelope: spool.Envelope, found: Letter) -> Iterator[str]:
    if "recipients" in parts:
        yield _("Goes to: {addresses}").format(addresses=_listed(envelope.recipients))
    if "cc" in parts and found.cc:
        yield _("Cc: {addresses}").format(addresses=_listed([one.address for one in found.cc]))
    if "bcc" in parts and (hidden := _hidden(envelope, found)):
        yield _("Bcc: {addresses}").format(addresses=_listed(hidden))


def _mistaken() -> str:
    return _("Its sender sent it anyway, and says that the rule is mistaken.")


def _outcome(outcome: str) -> str:
    return {
        "protect": _("It was protected."),
        "relay": _("The mail was passed on without protection."),
        "refuse": _("It was refused."),
        "drop": _("It was deleted, and nobody else is told."),
        "hold": _("It waits for approval."),
    }[outcome]


def _severity(severity: str) -> str:
    return {"low": _("Severity: low"), "medium": _("Severity: medium"), "high": _("Severity: high")}[severity]


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:MOST_LISTED])
    more = len(addresses) - MOST_LISTED
    if more <= 0:
        return shown
    return ngettext("{shown} and {n} more", "{shown} and {n} more", more).format(shown=shown, n=more)


def _hidden(envelope: spool.Envelope, found: Letter) -> list[str]:
    """Those it goes to whom To and Cc do not name."""
    named = {_comparing(one.address) for one in (*found.to, *found.cc)}
    return [address for address in envelope.recipients if _comparing(address) not in named]


def _comparing(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return address.strip().lower()
