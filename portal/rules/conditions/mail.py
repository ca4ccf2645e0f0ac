"""Conditions about the mail as a whole: its size, its importance, what kind of mail it is, and what its sender asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules.conditions.checks import Check
from portal.rules.conditions.kind import Kind, Pools, constant, listed
from portal.rules.fields import Field
from portal.rules.triggers import HEADER
from portal.rules.view import View

Given = Mapping[str, Any]
TYPES = (
    "auto_reply", "auto_forward", "bounce", "calendar", "encrypted", "permission_controlled", "receipt", "signed",
    "voicemail",
)  # fmt: skip
_TYPE_WORDS = {
    "auto_reply": "an automatic answer", "auto_forward": "forwarded by a machine", "bounce": "a bounce",
    "calendar": "an invitation", "encrypted": "encrypted already (S/MIME or OpenPGP)",
    "permission_controlled": "protected by another system", "receipt": "a receipt", "signed": "signed",
    "voicemail": "a voice message",
}  # fmt: skip
_PRIORITIES = {"1": "high", "2": "high", "3": "normal", "4": "low", "5": "low", "urgent": "high", "non-urgent": "low"}
_RIGHTS_FILES = frozenset({"message.rpmsg", "message_v2.rpmsg", "message_v3.rpmsg", "message_v4.rpmsg"})
_RIGHTS_TYPES = frozenset({"application/x-microsoft-rpmsg-message"})


def _everything(given: Given, pools: Pools) -> Check:
    return lambda view: True


def _size(given: Given, pools: Pools) -> Check:
    most = given["bytes"]
    return lambda view: view.facts.size > most


def importance(view: View) -> str:
    """ "low", "normal" or "high": of Importance (RFC 2156), Priority or X-Priority, the first that says one."""
    for name in ("importance", "priority", "x-priority"):
        for value in view.header(name):
            said = value.strip().split(" ")[0].lower()
            if (found := _PRIORITIES.get(said, said)) in ("low", "normal", "high"):
                return found
    return "normal"


def _importance(given: Given, pools: Pools) -> Check:
    wanted = frozenset(given["values"])
    return lambda view: importance(view) in wanted


def _sensitivity(given: Given, pools: Pools) -> Check:
    wanted = frozenset(one.replace("_", "-") for one in given["values"])
    return lambda view: any(value.strip().casefold() in wanted for value in view.header("sensitivity"))


def is_type(view: View, kind: str) -> bool:
    """Whether a mail is of one of TYPES, by what it says of itself."""
    facts = view.facts
    if kind == "encrypted":
        return any("encrypted" in one or one.endswith("inline") for one in facts.protections)
    if kind == "signed":
        return any("signed" in one for one in facts.protections)
    if kind == "auto_reply":
        said = [value.strip().lower() for value in view.header("auto-submitted")]
        return any(one.startswith("auto-replied") for one in said) or bool(view.header("x-autoreply"))
    if kind == "auto_forward":
        said = [value.strip().lower() for value in view.header("x-ms-exchange-generated-message-source")]
        return bool(view.header("x-autoforward")) or any(one == "auto-forward" for one in said)
    if kind == "bounce":
        return is_bounce(view)
    if kind == "receipt":
        return _reports(view, "disposition-notification")
    if kind == "voicemail":
        # RFC 3801 section 4, and what [MS-OXCMAIL] section 2.2.3.2.23 has programs write.
        return facts.content_type == "multipart/voice-message" or bool(view.header("x-voicemessageduration"))
    if kind == "calendar":
        return facts.content_type == "text/calendar" or any(f.content_type == "text/calendar" for f in view.files)
    return _is_permission_controlled(view)


def is_bounce(view: View) -> bool:
    """A delivery report with the null sender (RFC 3464 section 2): nothing else is one."""
    return not view.facts.sender and _reports(view, "delivery-status")


def _reports(view: View, kind: str) -> bool:
    values = [value.lower().replace('"', "") for value in view.header("content-type")]
    return any("multipart/report" in value and f"report-type={kind}" in value.replace(" ", "") for value in values)


def _is_permission_controlled(view: View) -> bool:
    classes = [value.strip().lower() for value in view.header("content-class")]
    if any(one.startswith("rpmsg.message") for one in classes):
        return True
    return any(file.name.lower() in _RIGHTS_FILES or file.content_type in _RIGHTS_TYPES for file in view.files)


def _type(given: Given, pools: Pools) -> Check:
    wanted = tuple(given["values"])
    return lambda view: any(is_type(view, kind) for kind in wanted)


def _charsets(given: Given, pools: Pools) -> Check:
    pool, number = pools.words("charsets", given["values"])
    # All at once: a mail may declare as many as it likes.
    return lambda view: number in pool.found("\n".join(view.facts.contents.charsets))


def _asks_by_header(given: Given, pools: Pools) -> Check:
    """The trigger header is there and comes from where such wishes are followed; elsewhere it is as if absent."""
    return lambda view: view.facts.trusted and bool(view.header(HEADER))


def _answers(given: Given, pools: Pools) -> Check:
    """It belongs to a conversation that is protected already, and was written here or goes from inside to outside.

    Whoever it goes to, the first message's readers or others. Mail among our own people, and what comes from outside
    by ordinary mail, stays what it was.
    """
    everywhere = given["anywhere"]

    def check(view: View) -> bool:
        facts = view.facts
        return facts.refers_to_protected and (everywhere or facts.written_here or _leaves(view))

    return check


def _leaves(view: View) -> bool:
    """Whether a mail goes from inside to outside; an address that cannot be read counts against it on both ends."""
    from_ = {_last_domain(sender) for sender in view.senders("either")} - {""}
    from_inside = not view.inside or not from_ or bool(from_ & view.inside)
    return from_inside and any(_last_domain(to) not in view.inside for to in view.recipients("envelope"))


def _last_domain(address: str) -> str:
    return address.rpartition("@")[2] if "@" in address else ""


def _written_here(given: Given, pools: Pools) -> Check:
    return lambda view: view.facts.written_here


KINDS = (
    Kind("everything", {}, _everything, lambda given: "it is any mail", "mail"),
    Kind("size_over", {"bytes": Field("number", least=0, most=1 << 40)}, _size,
         lambda given: f"the mail is larger than {given['bytes']:,} bytes", "mail"),
    Kind("importance", {"values": Field("choices", choices=("low", "normal", "high"))}, _importance,
         lambda given: f"the importance is {' or '.join(given['values'])}", "mail"),
    Kind("sensitivity",
         {"values": Field("choices", choices=("normal", "personal", "private", "company_confidential"))},
         _sensitivity,
         lambda given: f"the sensitivity is {' or '.join(given['values']).replace('_', ' ')}", "mail"),
    Kind("message_type", {"values": Field("choices", choices=TYPES)}, _type,
         lambda given: f"the mail is {' or '.join(_TYPE_WORDS[one] for one in given['values'])}", "mail"),
    Kind("charset_words", {"values": Field("words")}, _charsets,
         lambda given: f"its character set has the word {listed(given['values'])}", "mail", 2, constant("body")),
    Kind("asked_by_header", {}, _asks_by_header, lambda given: "a trusted program asks for it by header", "mail"),
    Kind("answers_protected", {"anywhere": Field("flag", required=False, default=False)}, _answers,
         lambda given: "it answers a protected message" + ("" if given["anywhere"] else " and goes outside"), "mail"),
    Kind("written_here", {}, _written_here, lambda given: "it was written in the portal", "mail"),
)  # fmt: skip
