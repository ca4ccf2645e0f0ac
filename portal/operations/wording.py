"""The record in plain sentences: what an entry tells, and who did it. Never content: facts hold none by contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from portal.delivery.refusing import SUPPRESSED
from portal.lifecycle.actors import Who, Why

_BY_READERS = frozenset({
    "message.time_asked",
    "message.opened", "message.replied", "message.written", "message.forwarded", "recipient.code_refused",
    "recipient.confirmed", "recipient.passcode_asked", "recipient.passcode_failed",
    "recipient.factor_proved", "recipient.factor_failed", "recipient.sign_in_refused", "recipient.throttled",
})  # fmt: skip
_BY_ADMINISTRATORS = frozenset({
    "message.approved", "message.released", "message.refused",
    "message.withdrawn", "message.withdrawn_again", "message.withdrawal_undone", "message.date_changed",
    "message.resent", "message.readdressed", "message.added", "message.request_declined",
    "message.rights_changed",
    "message.hold_set", "message.hold_lifted", "message.phrase_set", "message.exported",
    "wrapper.requeued",
})  # fmt: skip

_HANDED = frozenset({
    "reply.link_delivered", "reply.delivered", "message.relayed", "wrapper.delivered", "recipient.reminded",
    "recipient.told_withdrawn",
})  # fmt: skip
"""A server took a mail: which one, and how well the way there was protected, is said as well."""
Facts = Mapping[str, Any]


def actor(kind: str, facts: Mapping[str, Any]) -> str:
    """Who did what an entry tells of, in a word or two: as its facts say it, or else as its kind does."""
    said = {
        Who.OFFICE: _("Administrator"),
        Who.SENDER: _("Sender"),
        Who.DELEGATE: _("Someone who acts for its sender"),
        Who.PROGRAM: _("A program"),
        Who.COMMAND: _("The command line"),
    }.get(facts.get("who", ""))
    if said and kind in _BY_ADMINISTRATORS:
        return said
    if kind in _BY_READERS or kind.startswith(
        ("file.", "recipient.confirmed", "recipient.passcode_asked", "recipient.passcode_failed")
    ):
        return _("Reader")
    if kind in _BY_ADMINISTRATORS:
        return _("Administrator or sender")
    if kind.startswith(("wrapper.", "sender.", "reply.", "refusal.", "tip.")) or kind.endswith("_sent"):
        return _("Mail server")
    return _("Portal")


def sentence(kind: str, facts: Facts) -> str:
    """An entry of the record in words; `facts` hold no content by contract."""
    try:
        if kind in WRITTEN:
            return WRITTEN[kind](facts)
        return str(SENTENCES[kind]) % facts + (_way_there(facts) if kind in _HANDED else "")
    except (KeyError, TypeError, ValueError):
        return f"{kind}."


def _way_there(facts: Facts) -> str:
    """Which server took a mail, and how well the way there was protected; "" where that is not known."""
    if not facts.get("host"):
        return ""
    if not facts.get("tls"):
        return " " + _("To %(host)s, not encrypted.") % facts
    ways = {
        "dane": _("its certificate is the one its domain publishes (DANE)"),
        "mta-sts": _("its certificate is proved, as its domain asks (MTA-STS)"),
        "certificate": _("its certificate is proved"),
    }
    how = ways.get(str(facts.get("verified")), _("its certificate was not asked for"))
    return " " + _("To %(host)s, encrypted with %(tls)s; %(how)s.") % {**facts, "how": how}


def _accepted(facts: Facts) -> str:
    said = _decided(facts)
    if facts.get("version") and facts["rule"] != "default":
        said += " " + _("Version %(version)s of the rules.") % facts
    if facts.get("severity"):
        said += " " + _("Severity: %(severity)s.") % facts
    return said


def _decided(facts: Facts) -> str:
    if facts["action"] == "refuse":
        return _("The rule “%(rule)s” refuses it.") % facts
    if facts["action"] == "drop":
        return _("The rule “%(rule)s” deletes it, and tells nobody.") % facts
    if facts["action"] == "hold":
        return _("The rule “%(rule)s” holds it until it is approved.") % facts
    if facts["action"] == "relay" and facts.get("why"):
        return _("The rule “%(rule)s” lets it be passed on.") % facts
    if facts["action"] == "relay":
        return _("No rule asks for protection: passed on as it is.")
    if facts["rule"] == "default":
        return _("No rule spoke of it: protected, as is usual here.")
    return _("The rule “%(rule)s” asks for protection.") % facts


def _refused(facts: Facts) -> str:
    if facts.get("rule") and facts["told"]:
        return _("Ended by the rule; its sender is told why.")
    if facts.get("rule"):
        return _("Ended by the rule; nobody is told.")
    if facts.get("who") and facts["told"]:
        return _("Somebody whom the rule names refused it; its sender is told why.")
    if facts.get("who"):
        return _("Somebody whom the rule names refused it; its sender could not be told.")
    if facts["told"]:
        return _("An administrator refused it; its sender is told why.")
    return _("An administrator refused it; its sender could not be told.")


def _approval_asked(facts: Facts) -> str:
    said = ngettext(
        "%(n)d person is asked to approve it, by the message %(there)s.",
        "%(n)d people are asked to approve it, by the message %(there)s.",
        int(facts["people"]),
    )
    return said % {"n": facts["people"], "there": facts["request"]}


def _approved(facts: Facts) -> str:
    return _("Somebody whom the rule names approved it.") if facts.get("who") else _("An administrator approved it.")


def _incident(facts: Facts) -> str:
    if facts["whole"]:
        return _("The rule “%(rule)s” had it reported with the mail itself, by the message %(report)s.") % facts
    return _("The rule “%(rule)s” had it reported, by the message %(report)s.") % facts


def _overridden(facts: Facts) -> str:
    if facts["how"] == "mistaken":
        return _("Its sender sent it anyway, against the rule “%(rule)s”: the rule is mistaken, they say.") % facts
    return _("Its sender sent it anyway, against the rule “%(rule)s”.") % facts


def _would_match(facts: Facts) -> str:
    said = {
        "protect": _("The rule “%(rule)s”, only logged, would have protected it."),
        "relay": _("The rule “%(rule)s”, only logged, would have let it be passed on."),
        "hold": _("The rule “%(rule)s”, only logged, would have held it until it is approved."),
        "refuse": _("The rule “%(rule)s”, only logged, would have refused it."),
    }.get(facts["action"], _("The rule “%(rule)s”, only logged, would have matched."))
    return said % facts


def _sealed(facts: Facts) -> str:
    number = int(facts["readers"])
    if facts.get("epoch"):
        said = ngettext(
            "Sealed for %(n)d reader with key %(key)s.", "Sealed for %(n)d readers with key %(key)s.", number
        )
        return said % {"n": number, "key": facts["epoch"]}
    return ngettext("Sealed for %(n)d reader.", "Sealed for %(n)d readers.", number) % {"n": number}


def _opened(facts: Facts) -> str:
    return _("Opened for the first time.") if facts.get("first") else _("Opened again.")


def _replied(facts: Facts) -> str:
    number = int(facts["files"])
    if not number:
        return _("Answered.")
    return ngettext("Answered, with %(n)d file.", "Answered, with %(n)d files.", number) % {"n": number}


def _forwarded(facts: Facts) -> str:
    number, there = int(facts["people"]), str(facts["answer"])
    said = ngettext("Forwarded to %(n)d address (%(there)s).", "Forwarded to %(n)d addresses (%(there)s).", number)
    return said % {"n": number, "there": there}


def _rights_changed(facts: Facts) -> str:
    number = int(facts["readers"])
    said = ngettext("Rights changed for %(n)d reader", "Rights changed for %(n)d readers", number) % {"n": number}
    changes = (("on", facts["granted"]), ("off", facts["refused"]))
    return f"{said}: " + "; ".join(f"{names.replace(',', ', ')} {word}" for word, names in changes if names) + "."


def _not_now(facts: Facts) -> str:
    if not str(facts["answer"])[:1].isdigit():  # no server said it: there was none, or what is wrong is ours
        return _("A mail has not left yet (%(answer)s). It is tried again by itself.") % facts
    return _("The mail server did not take a mail yet (%(answer)s). It is tried again by itself.") % facts


def _came_back(facts: Facts) -> str:
    if facts["answer"] == SUPPRESSED:
        return _("A mail was not sent: its address gets none until an administrator lifts that.")
    if facts.get("reported"):
        return _("A mail came back: it was not delivered (%(answer)s).") % facts
    return _("The mail server refused a mail for good (%(answer)s).") % facts


def _failed_code(facts: Facts) -> str:
    left = int(facts["left"])
    return ngettext("Wrong passcode, %(n)d try left.", "Wrong passcode, %(n)d tries left.", left) % {"n": left}


def _confirmed(facts: Facts) -> str:
    if facts.get("provider"):
        return _("Confirmed by signing in at %(provider)s.") % facts
    return _("Confirmed by %(method)s.") % facts


def _withdrawn(facts: Facts) -> str:
    said = _("Withdrawn: no longer open, and destroyed when the time to undo is over.")
    reason = facts.get("reason")
    return f"{said} {_('Reason: %(reason)s.') % {'reason': Why(reason).label}}" if reason else said


SENTENCES: Mapping[str, Promise] = {
    "message.handed_in": _lazy("Handed in by a program, with token %(by)s."),
    "message.held": _lazy("Held: %(reason)s"),
    "message.dropped": _lazy("Deleted by the rule “%(rule)s” of version %(version)s; nobody is told."),
    "tip.delivered": _lazy("The mail server took the mail that tells its sender of the rule."),
    "refusal.delivered": _lazy("The mail server took the mail that tells its sender."),
    "message.released": _lazy("An administrator let it try again."),
    "message.withdrawn_again": _lazy(
        "Withdrawn once more, by somebody higher: whoever was first can no longer undo it."
    ),
    "message.withdrawal_undone": _lazy("The withdrawal was undone."),
    "message.date_changed": _lazy("Given another date to close."),
    "message.rights_bound": _lazy("The keys that went with the wider rights of before are destroyed."),
    "message.hold_set": _lazy("A legal hold was put on it."),
    "message.hold_lifted": _lazy("The legal hold was lifted."),
    "message.time_asked": _lazy("A reader asked for more time."),
    "message.time_declined": _lazy("Its sender lets it stay closed."),
    "message.resent": _lazy("The notice is sent once more."),
    "message.readdressed": _lazy("Sent to a corrected address, and withdrawn from the wrong one."),
    "message.added": _lazy("Sent to one more address."),
    "message.request_declined": _lazy("Its sender lets nobody read it at the address that was asked for."),
    "message.erased": _lazy("Its keys are destroyed; nothing opens it any more, no backup either."),
    "message.share_recovered": _lazy("A reader’s message code was recovered with the recovery key."),
    "message.escrow_written": _lazy("A reader’s message code was taken out, sealed to the recovery key."),
    "message.damaged": _lazy("Found damaged (%(reason)s); nothing of it was shown."),
    "message.written": _lazy("Written to the organisation on its page, from a proved address."),
    "reply.kept": _lazy("The answer is too large for the mail server (%(answer)s). Its recipient gets a link to it."),
    "wrapper.queued": _lazy("A notice is ready to be sent."),
    "health.tested": _lazy("An administrator sent it, to see that the whole chain works."),
    "wrapper.requeued": _lazy("An administrator had a mail tried again."),
    "wrapper.answered": _lazy("An automatic answer to a mail came and was passed on to the sender."),
    "sender.told": _lazy("The sender was told that a mail waits or did not arrive: %(answer)s."),
    "recipient.passcode_asked": _lazy("A passcode was asked for."),
    "recipient.passcode_sent": _lazy("Passcode sent."),
    "recipient.code_refused": _lazy("Wrong message code."),
    "recipient.factor_proved": _lazy("Confirmed in one more way (%(factor)s)."),
    "recipient.factor_failed": _lazy("A second proof was wrong (%(factor)s)."),
    "message.phrase_set": _lazy("A new phrase was agreed with a reader."),
    "recipient.throttled": _lazy("Too many tries: further ones are refused for a while."),
    "recipient.sign_in_refused": _lazy("Signing in at %(provider)s proved nothing: %(reason)s."),
    "recipient.warned": _lazy("A warning to the reader was handed over: %(answer)s."),
    "reply.noted": _lazy("The note to whoever answered was handed over: %(answer)s."),
    "sender.defaults_changed": _lazy("A sender chose what holds for the mails they send."),
    "sender.told_corrected": _lazy("Its sender was told of the corrected address: %(answer)s."),
    "sender.told_opened": _lazy("Its sender was told that it was opened: %(answer)s."),
    "sender.asked": _lazy("The sender was asked for another address: %(answer)s."),
    "message.let_go": _lazy("It travelled with its notices; only its keys are kept here."),
    "message.exported": _lazy("Written to a file for the recovery key."),
    "file.downloaded": _lazy("File %(file)d downloaded."),
    "file.previewed": _lazy("File %(file)d looked at here."),
    "reply.link_delivered": _lazy("The link to an answer was handed to the mail server: %(answer)s."),
    "reply.delivered": _lazy("Answer handed to the mail server: %(answer)s."),
    "message.relayed": _lazy("Handed to the mail server: %(answer)s."),
    "wrapper.delivered": _lazy("Notice handed to the mail server: %(answer)s."),
    "recipient.reminded": _lazy("Reminder handed to the mail server: %(answer)s."),
    "recipient.told_withdrawn": _lazy("The mail that says it was withdrawn was handed over: %(answer)s."),
}

WRITTEN: Mapping[str, Callable[[Facts], str]] = {
    "message.accepted": _accepted,
    "message.sealed": _sealed,
    "message.refused": _refused,
    "message.approval_asked": _approval_asked,
    "message.approved": _approved,
    "incident.reported": _incident,
    "rule.overridden": _overridden,
    "rule.would_match": _would_match,
    "message.withdrawn": _withdrawn,
    "message.rights_changed": _rights_changed,
    "message.opened": _opened,
    "message.replied": _replied,
    "message.forwarded": _forwarded,
    "wrapper.deferred": _not_now,
    "wrapper.bounced": _came_back,
    "recipient.passcode_failed": _failed_code,
    "recipient.confirmed": _confirmed,
}
"""Those whose words depend on the facts."""
