"""What rules made of a mail that they were tried on: each rule with the condition that failed, and the outcome."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from branding import choosing
from branding.models import Brand
from portal.console import rule_labels
from portal.console.rule_trial import Trial
from portal.delivery import naming
from portal.ingest import unending
from portal.rules.compiling import RuleSet
from portal.rules.contents import Attachment
from portal.rules.deciding import Result, decide, explain
from portal.rules.decision import Decision
from portal.rules.sentences import parts
from portal.vault import sealing, templates
from portal.vault.errors import TemplateUnknown


def shown(trial: Trial, rules: RuleSet) -> dict[str, Any]:
    """The context of console/rules_result.html."""
    decision = decide(trial.facts, rules, settings.LETTERLOCK.default_action)
    mail = _mail(trial, decision, rules) if decision.action == "protect" else None
    problem = mail["problem"] if mail else ""
    return {
        "looked": [_line(number, result, rules) for number, result in enumerate(explain(trial.facts, rules), 1)],
        "files": [_file(one) for one in trial.facts.contents.attachments],
        "decided": _decided(decision, problem),
        "details": _details(decision, problem),
        "mail": None if problem else mail,
    }


def _file(held: Attachment) -> dict[str, str]:
    """What rules could read of a file, also where none of them asked."""
    said = {
        "locked": _("It has a password. It counts as a file that cannot be read."),
        "unread": _("It cannot be read."),
        "partly": _("Read in part: {n} characters. It counts as a file that cannot be read."),
        "cut": _("Read in part: {n} characters. It has more than rules look at."),
        "read": _("Read: {n} characters."),
        "empty": _("It has no text of its own."),
    }[held.outcome]
    program = " " + _("It is a program.") if held.executable else ""
    return {"name": held.name, "read": said.format(n=f"{len(held.text):,}") + program}


def _line(number: int, result: Result, rules: RuleSet) -> dict[str, Any]:
    path = result.path
    return {
        "number": number,
        "id": result.id,
        "name": result.name,
        "mark": _mark(result),
        "good": bool(result.counts),
        "why": result.words,
        "pieces": [
            {"text": text, "failed": bool(path and where) and where[: len(path)] == path}
            for where, text in parts(rules.rules[number - 1].document)
        ],
    }


def _mark(result: Result) -> str:
    if not result.looked:
        return _("Not looked at")
    if result.counts:
        return _("Matched") if result.matched else _("Counts as matched")
    if result.only_logged and result.matched is not False and not result.path:
        return _("Matched, only logged")
    return _("Not matched")


def _decided(decision: Decision, problem: str) -> str:
    said = (
        problem
        or {
            "protect": _("It is protected."),
            "relay": _("It passes as it is."),
            "refuse": _("It is refused."),
            "drop": _("It is deleted, and nobody is told."),
            "hold": _("It is held until an administrator approves it."),
        }[decision.action]
    )
    if decision.rule == "default":
        return _("{what} No rule decided; that is the setting for everything else.").format(what=said)
    return _("{what} Rule “{rule}” decided.").format(what=said, rule=decision.rule)


def _details(decision: Decision, problem: str) -> list[tuple[str, str]]:
    open_until = "" if decision.keeps_default_date else str(decision.open_until or _("for ever"))
    found = (
        (_("Rights"), _rights(decision.imposed or decision.template)),
        (_("Brand"), _brand(decision.brand)),
        (_("Open until"), open_until if decision.action == "protect" and not problem else ""),
        (_("How sure of the reader"), str(decision.level) if decision.level > 1 else ""),
        (_("Split key"), _chosen(decision.split)),
        (_("Delivered as"), _chosen(decision.delivery)),
        (_("TLS"), _("verified, or it waits") if decision.tls else ""),
        (_("Protection"), _("our own is taken off") if decision.unprotects else ""),
        (_("Copies to"), ", ".join(decision.copies)),
        (_("Manager"), _("the directory knows none of its sender") if decision.lacks_manager else ""),
        (_("Goes to"), ", ".join(decision.redirect)),
        (_("Its sender reads"), " ".join([*([decision.text] if decision.text else []), *decision.words])),
        (
            _("Its sender may send it anyway"),
            _("yes, by [override] before the subject") if decision.may_override else "",
        ),
        (_("Its sender sends it anyway, against"), ", ".join(decision.overridden)),
        (_("Asked to approve it"), ", ".join(decision.approvers)),
        (_("Severity"), _chosen(decision.severity)),
        (_("Reported to"), ", ".join(dict.fromkeys(one for report in decision.reports for one in report.to))),
        (_("Tags in the record"), ", ".join(decision.tags)),
        (_("Changed"), _("header, subject or text") if decision.edits else ""),
    )
    return [(label, value) for label, value in found if value]


def action(name: str) -> str:
    """What is done with a mail, in a word or two."""
    return {
        "protect": _("Protected"),
        "relay": _("Passed on"),
        "refuse": _("Refused"),
        "hold": _("Held for approval"),
    }.get(name, name)


def _chosen(value: str) -> str:
    return rule_labels.choice(value) if value else ""


def _rights(slug: str) -> str:
    row = templates.find(slug) if slug else None
    return templates.name_of(row) if row else slug


def _brand(slug: str) -> str:
    return Brand.objects.filter(slug=slug).values_list("name", flat=True).first() or slug


def _mail(trial: Trial, decision: Decision, rules: RuleSet) -> dict[str, str]:
    """What the form of the mail's frame posts: what the notice says, and nothing of the text."""
    domain = trial.sender.address.rpartition("@")[2] or trial.facts.sender.rpartition("@")[2]
    brand = choosing.named(decision.brand) if decision.brand else choosing.of_domain(domain)
    if brand is None:
        return {"problem": _("There is no such brand, or it is archived: the mail would be held.")}
    try:
        terms = templates.resolve(
            brand,
            timezone.localdate(),
            asked=decision.template,
            imposed=decision.imposed,
            until=decision.open_until,
            names_day=not decision.keeps_default_date,
        )
        no_end = unending.is_refused(decision, brand, timezone.localdate())
    except TemplateUnknown:
        return {"problem": _("There are no such rights: the mail would be held.")}
    if no_end:
        return {"problem": _no_end(trial, rules)}
    return {
        "problem": "",
        "brand": brand.slug,
        "brand_name": brand.name,
        "subject": _subject(trial, decision, brand),
        "sender_name": naming.shown_name(trial.sender),
        "sender_address": trial.sender.address,
        "recipient": trial.recipient,
        "until": terms.last_day.isoformat() if terms.last_day else "",
        "attached": "on" if (decision.delivery or brand.delivery) == "attachment" else "",
        "note": decision.note,
    }


def _no_end(trial: Trial, rules: RuleSet) -> str:
    if unending.is_hopeless(trial.facts.sender, rules):
        return _("It asks to stay open for ever, which nothing here lets it: the mail server refuses it at once.")
    return _(
        "It asks to stay open for ever, which neither its brand, its rights nor its rule lets it: it is refused, and "
        "its sender is told by mail."
    )


def _subject(trial: Trial, decision: Decision, brand: Brand) -> str:
    if brand.show_subject and decision.tag_removed_subject:
        return _("Protected: {subject}").format(subject=decision.tag_removed_subject[:200])
    return _("Protected message from {sender}").format(sender=naming.shown(trial.sender, brand))


def end_of(day: str) -> datetime | None:
    """The end of the last day, as a message keeps it; None for ever, and for what is no day."""
    try:
        return sealing.end_of_day(date.fromisoformat(day))
    except (ValueError, OverflowError):
        return None
