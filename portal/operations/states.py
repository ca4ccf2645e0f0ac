"""What the states of messages and mails are called on screens."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.vault import readers
from portal.vault.models import Message

K = Outbound.Kind
S = Outbound.State


def message_sentence(message: Message, opened: int, recipients: int, states: Mapping[str, int]) -> str:
    """A message's state in a few words; `states` counts its notices and answers by state."""
    if message.state == Message.State.WITHDRAWN:
        return _("Withdrawn")
    if message.state == Message.State.GONE:
        return _("Gone")
    if readers.is_closed(message, timezone.now()):
        return _("Closed")
    if states.get(S.FAILED):  # also what came back after it had left
        return _("Not delivered to %(n)d of %(all)d") % {"n": states[S.FAILED], "all": max(recipients, 1)}
    if opened and opened == recipients:
        return _("Opened")
    if opened:
        return _("Opened by %(n)d of %(all)d") % {"n": opened, "all": recipients}
    if states.get(S.DUE) or states.get(S.SENDING):
        return _("Waiting to be sent")
    return _("Delivered") if message.direction == Message.Direction.IN else _("Notice sent")


def spool_sentence(state: str) -> str:
    """A mail's state on its way in, in a few words."""
    words = {
        Spooled.State.RECEIVED: _("Waiting to be sealed"),
        Spooled.State.SEALED: _("Sealed"),
        Spooled.State.RELAYING: _("Being passed on, unprotected as the rules say"),
        Spooled.State.DONE: _("Passed on, unprotected as the rules say"),
        Spooled.State.HELD: _("Held"),
        Spooled.State.REFUSED: _("Refused by a rule or an administrator"),
        Spooled.State.DROPPED: _("Deleted by a rule, and nobody was told"),
    }
    return words.get(Spooled.State(state), state)


def mail_name(kind: str) -> str:
    """What a kind of outgoing mail is called on screens."""
    words = {
        K.NOTICE: _("Notice"),
        K.PASSCODE: _("Passcode"),
        K.REPLY: _("Answer"),
        K.LARGE: _("Link to an answer"),
        K.RELAY: _("Mail as it came"),
        K.TELLING: _("Word to the sender"),
        K.REPORT: _("Report to the sender"),
        K.REFUSAL: _("Refusal to its sender"),
        K.TIP: _("Word of a rule to its sender"),
        K.INVITATION: _("Sign-in link of an administrator"),
        K.PASSKEY: _("Word of a new passkey"),
        K.KEPT: _("Word of a browser that stays signed in"),
        K.NOTE: _("Note to whoever answered"),
        K.ALARM: _("Word to an administrator"),
        K.MONTHLY: _("Monthly report to an administrator"),
        K.BRAND_TEST: _("Test of a brand, to an administrator"),
        K.REQUEST: _("Request to the sender"),
        K.OPENED: _("Word to the sender that it was opened"),
        K.DIGEST: _("Word to a sender of a day's openings"),
        K.DELEGATED: _("Word to a sender of a delegate"),
        K.CORRECTED: _("Word to the sender of a corrected address"),
        K.MORE_TIME: _("Request for more time to the sender"),
        K.REOPENED: _("Word that it is open again"),
        K.REMINDER: _("Reminder"),
        K.WITHDRAWN: _("Word that it was withdrawn"),
    }
    return words.get(K(kind), kind)


def mail_sentence(row: Outbound) -> str:
    """The state of a mail that left or is to leave, in a few words."""
    if row.news == Outbound.News.FAILED and row.kind not in (K.TELLING, K.REPORT):
        return _("Came back: not delivered (%(status)s)") % {"status": row.heard}
    if row.news == Outbound.News.DELAYED and row.kind not in (K.TELLING, K.REPORT):
        return _("Put off by a mail server behind ours (%(status)s)") % {"status": row.heard}
    if row.state == S.DUE and row.attempts:
        return _("Not taken yet, tried again by itself")
    words = {
        S.DUE: _("Waiting"),
        S.SENDING: _("Being handed over"),
        S.SENT: _("Sent"),
        S.FAILED: _("Refused for good"),
        S.DROPPED: _("Not needed any more"),
    }
    return words.get(S(row.state), row.state)
