"""The facts of an entry in words: a table of phrases, with the name and value themselves where it has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _lazy

from branding.templatetags.words import size
from portal.access import administrators, delegates
from portal.access.models import Person
from portal.audit.record import COMMAND_LINE, Fact
from portal.console import bouncing, kinds, rule_labels, rules
from portal.lifecycle.actors import Who, Why
from portal.operations import keyending

Phrase = Promise | Mapping[Fact, Promise | str]


class Told(dict[str, Any]):
    """Facts that note which of them a sentence made use of: what it says is not said twice."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.used.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.used.add(name)
        return super().get(name, default)


def phrases(kind: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Each fact in a few words; none for what says nothing of its own, like an empty one."""
    for name, fact in facts.items():
        if fact is None or fact == "":
            continue
        phrase = PHRASES.get(f"{kind}.{name}") or PHRASES.get(name)
        if said := _said(name, fact, phrase):
            yield said


def who_words(word: str) -> str:
    """`who` or `by` in words; anything else as it is."""
    return str(_WHO.get(word, word))


def _said(name: str, fact: Fact, phrase: Phrase | None) -> str:
    if isinstance(phrase, Mapping):
        if fact in phrase:
            return str(phrase[fact])
        phrase = None
    if name == "why" and isinstance(fact, str):
        fact = "; ".join(rule_labels.condition(kind) for kind in fact.split(", "))
    if phrase is None:
        if isinstance(fact, bool):
            fact = "yes" if fact else "no"
        return f"{name.replace('_', ' ')}: {fact}"
    return str(phrase) % {"is": size(fact) if name == "size" and isinstance(fact, int) else fact}


def _reasons() -> Mapping[Fact, Promise | str]:
    """Of all fixed lists together."""
    lists = (
        Why,
        delegates.Reason,
        administrators.Reason,
        keyending.Reason,
        bouncing.Reason,
        rules.Reason,
        kinds.Reason,
    )
    found: dict[Fact, Promise | str] = {value: label for one in lists for value, label in one.choices}
    return found | {
        "mistake": _lazy("It was a mistake"),
        "counter": _lazy("its count went backwards, so it may be a copy"),
        "asleep": _lazy("it opens nothing any more"),
        "mailbox": _lazy("its holder has not proved the mailbox for long"),
        "address": _lazy("the message is another person’s"),
        "outside": _lazy("the address is outside the organisation"),
        "inactive": _lazy("the directory has switched this person off"),
        "no_role": _lazy("nobody with a role has the address"),
        "not_taken": _lazy("it was not taken for three days"),
        "entry_gone": _lazy("its entry is not in the record any more"),
        "request": _lazy("somebody asked for it"),
        "retention": _lazy("the time it is kept for was over"),
        "court": _lazy("a court ordered it"),
    }


_WHO: Mapping[str, Promise] = {
    Who.OFFICE.value: _lazy("An administrator"),
    Who.SENDER.value: _lazy("Its sender"),
    Who.DELEGATE.value: _lazy("Someone who acts for its sender"),
    Who.PROGRAM.value: _lazy("A program"),
    Who.RECIPIENT.value: _lazy("A recipient"),
    "named": _lazy("Somebody whom the rule names"),
    COMMAND_LINE: _lazy("The command line"),
    "command": _lazy("The command line"),
}
_METHODS: Mapping[Fact, Promise | str] = {
    "passcode": _lazy("by passcode"),
    "provider": _lazy("at a provider"),
    "passkey": _lazy("by passkey"),
    "entry": _lazy("by one-time link"),
    "password": _lazy("by password, not finished"),
    "totp": _lazy("by password and app"),
}
_ROLES: Mapping[Fact, Promise | str] = {role.value: role.label for role in Person.Role}
_SIGNED_OUT: Mapping[Fact, Promise | str] = {
    "here": _lazy("in this browser"),
    "one": _lazy("in one other browser"),
    "others": _lazy("in all other browsers"),
}
_WEBHOOK_OFF: Mapping[Fact, Promise | str] = {
    "asked": _lazy("an administrator asked for it"),
    "gone": _lazy("its address said that it is gone"),
}
_ON: Mapping[Fact, Promise | str] = {True: _lazy("switched on"), False: _lazy("switched off")}
PHRASES: Mapping[str, Phrase] = {
    "action": {"withdraw": _lazy("to withdraw them"), "date": _lazy("to give them another date")},
    "active": {True: _lazy("active"), False: _lazy("not active")},
    "added": _lazy("%(is)s added"),
    "age_days": _lazy("the backup was %(is)s days old"),
    "already": _lazy("%(is)s were so already"),
    "answer": _lazy("the mail server said “%(is)s”"),
    "message.replied.answer": _lazy("the answer is message %(is)s"),
    "message.forwarded.answer": _lazy("the copy is message %(is)s"),
    "at_once": {True: _lazy("the old secret ended at once"), False: _lazy("the old secret still works for a while")},
    "attempt": _lazy("try %(is)s"),
    "author": {True: _lazy("it was its author"), False: ""},
    "brand": _lazy("brand %(is)s"),
    "messages.searched.by": _lazy("by: %(is)s"),
    "ceiling": {"network": _lazy("of one network"), "brand": _lazy("of strangers at one brand")},
    "changed": _lazy("%(is)s changed"),
    "damaged": _lazy("%(is)s damaged"),
    "days": _lazy("%(is)s days"),
    "delegate": _lazy("who acts: %(is)s"),
    "deliveries": _lazy("%(is)s times"),
    "department": _lazy("department %(is)s"),
    "device": {
        "phone": _lazy("on a phone"),
        "tablet": _lazy("on a tablet"),
        "computer": _lazy("on a computer"),
        "other": "",
    },
    "digest": {True: _lazy("once a day"), False: ""},
    "direction": {"in": _lazy("written here"), "out": ""},
    "done": _lazy("%(is)s done"),
    "entries": _lazy("%(is)s entries"),
    "epoch": _lazy("key %(is)s"),
    "failed": _lazy("%(is)s failed"),
    "faults": _lazy("faults: %(is)s"),
    "fields": _lazy("what changed: %(is)s"),
    "file": _lazy("file %(is)s"),
    "files": _lazy("files: %(is)s"),
    "first": {True: _lazy("for the first time"), False: _lazy("not for the first time")},
    "form": {"reply": _lazy("to its sender"), "all": _lazy("to everyone")},
    "format": _lazy("as %(is)s"),
    "gone": _lazy("%(is)s were destroyed before"),
    "group": _lazy("group %(is)s"),
    "groups_added": _lazy("%(is)s groups added"),
    "groups_removed": _lazy("%(is)s groups removed"),
    "held": _lazy("%(is)s on a legal hold"),
    "host": _lazy("server %(is)s"),
    "how": {"wanted": _lazy("its sender means it so"), "mistaken": _lazy("the rule is mistaken, its sender says")},
    "joined": _lazy("%(is)s joined groups"),
    "kept": {True: _lazy("the browser stays signed in"), False: ""},
    "bulk.finished.kept": _lazy("%(is)s could not be undone any more"),
    "key": _lazy("key %(is)s"),
    "language": _lazy("page in %(is)s"),
    "left": _lazy("tries left: %(is)s"),
    "directory.imported.left": _lazy("%(is)s left groups"),
    "keys.moved.left": _lazy("%(is)s still to move"),
    "lost": _lazy("%(is)s keys were not in the backup"),
    "mail": _lazy("mail %(is)s"),
    "mailed": {True: _lazy("mailed"), False: _lazy("shown on the command line")},
    "mails": _lazy("%(is)s mails"),
    "message.sealed.method": {
        "user": _lazy("its sender asked for it"),
        "rule": _lazy("a rule asked for it"),
        "default": _lazy("as is usual here"),
    },
    "messages": _lazy("messages: %(is)s"),
    "method": _METHODS,
    "no_manager": {True: _lazy("the directory knows no manager of its sender"), False: ""},
    "number": _lazy("version %(is)s"),
    "objects": _lazy("%(is)s parts of the keyring"),
    "on": _ON,
    "keys.work_paused.on": {True: _lazy("paused"), False: _lazy("goes on")},
    "open_days": _lazy("open for %(is)s days"),
    "opened": _lazy("%(is)s opened"),
    "owner": _lazy("for the sender %(is)s"),
    "passkey": _lazy("passkey %(is)s"),
    "people": _lazy("addresses: %(is)s"),
    "person": _lazy("about %(is)s"),
    "posted": {True: _lazy("from a file that a browser sent"), False: _lazy("from what is stored")},
    "proof": {
        "login": _lazy("known by its login"),
        "certificate": _lazy("known by its certificate"),
        "network": _lazy("known by its address"),
    },
    "provider": _lazy("at %(is)s"),
    "readers": _lazy("readers: %(is)s"),
    "reason": _reasons(),
    "webhook.switched.reason": _WEBHOOK_OFF,
    "webhook.removed.reason": _WEBHOOK_OFF,
    "receipts": {True: _lazy("told when it is opened"), False: _lazy("not told when it is opened")},
    "recipients": _lazy("recipients: %(is)s"),
    "removed": _lazy("%(is)s removed"),
    "report": _lazy("message %(is)s"),
    "reported": {True: _lazy("a report said so later"), False: ""},
    "request": _lazy("message %(is)s"),
    "role": _ROLES,
    "rule": _lazy("rule %(is)s"),
    "rules": _lazy("rules: %(is)s"),
    "message.accepted.rules": _lazy("rules that matched: %(is)s"),
    "run": _lazy("run %(is)s"),
    "scopes": _lazy("may: %(is)s"),
    "severity": {"low": _lazy("low severity"), "medium": _lazy("medium severity"), "high": _lazy("high severity")},
    "size": _lazy("%(is)s"),
    "skipped": _lazy("%(is)s left as they were"),
    "source": {
        "smtp": _lazy("by SMTP"),
        "csv": _lazy("a CSV file"),
        "ldif": _lazy("an LDIF file"),
        "scim": _lazy("by SCIM"),
    },
    "synced": {True: _lazy("kept by a password manager"), False: _lazy("stays in one device")},
    "tags": _lazy("tags: %(is)s"),
    "taken": {True: _lazy("the door took it"), False: _lazy("the door did not take it")},
    "template": _lazy("rights “%(is)s”"),
    "tls": _lazy("encrypted with %(is)s"),
    "to": _lazy("to %(is)s"),
    "brand.rolled_back.to": _lazy("what version %(is)s was"),
    "token": _lazy("token %(is)s"),
    "told": {True: _lazy("its sender is told"), False: _lazy("nobody is told")},
    "troubles": _lazy("troubles: %(is)s"),
    "rules.kind_removed.type": _lazy("kind %(is)s"),
    "undone": _lazy("%(is)s undone"),
    "unsure": {True: _lazy("a condition could not be told"), False: ""},
    "verified": {
        "dane": _lazy("certificate as its domain publishes (DANE)"),
        "mta-sts": _lazy("certificate proved, as its domain asks (MTA-STS)"),
        "certificate": _lazy("certificate proved"),
        "no": _lazy("certificate not asked for"),
    },
    "version": _lazy("version %(is)s"),
    "was": _lazy("before: %(is)s"),
    "administrator.role_changed.was": {
        role.value: format_lazy("{}: {}", _lazy("before"), role.label) for role in Person.Role
    },
    "message.readdressed.was": _lazy("in place of reader %(is)s"),
    "webhook": _lazy("webhook %(is)s"),
    "what": _lazy("%(is)s"),
    "which": _SIGNED_OUT,
    "whole": {True: _lazy("with the mail itself"), False: ""},
    "why": _lazy("because of: %(is)s"),
    "work": {
        "supersede": _lazy("new keys"),
        "move": _lazy("messages move to the newest keys"),
        "verify": _lazy("keys are tried"),
    },
    "wrapped": _lazy("new wraps: %(is)s"),
    "wraps": _lazy("wraps: %(is)s"),
}
