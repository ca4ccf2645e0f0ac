"""Pages about a message's life in states that a demo does not come by: many at once, errors, more time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.lifecycle.actors import Why
from portal.lifecycle.bulk import Counted
from portal.lifecycle.choosing import Choice
from portal.lifecycle.models import Run, RunItem
from portal.lifecycle.standing import Recipient, Standing

ONE, TWO = UUID("019b2f6e-3c1a-7d11-8a50-4f2d9c0a7e31"), UUID("019b2f6e-3c1a-7d11-8a50-4f2d9c0a7e32")
AT = datetime(2026, 12, 17, 14, 48, 2, tzinfo=UTC)
LONG = "jo••••••••••••••••••••••••••••••••••••••••••••••••••••@a-very-long-domain.mail.example"
_OPENED = Recipient(ONE, "jo•••••@mail.example", AT, 2, None, None, gone=False)
_UNOPENED = Recipient(TWO, LONG, None, 0, None, None, gone=False)
_GONE = Recipient(TWO, "ka•••••@post.example", None, 0, AT, AT + timedelta(minutes=10), gone=False)
STANDING = Standing(
    ONE, AT + timedelta(days=30), closed=False, withdrawn_at=None, undo_until=None, held_at=AT, gone=False, tell=True,
    resendable=True, asked_at=AT, recipients=(_OPENED, _UNOPENED, _GONE),
)  # fmt: skip
_FORM: dict[str, Any] = {
    "message": STANDING,
    "reasons": Why.choices,
    "longest": 730,
    "chosen": {str(ONE)},
    "tell": True,
}
_RUN = Run(
    id=ONE,
    action="withdraw",
    state="running",
    total=300,
    reason="wrong_content",
    asked_at=AT,
    confirmed_at=AT,
    due_at=AT,
)
_ITEMS = [RunItem(run=_RUN, message=TWO, outcome="held"), RunItem(run=_RUN, message=ONE, outcome="already")]
_FAULTS = {"reason": "Choose a reason.", "number": "That is not the number of messages."}
_ASK: dict[str, Any] = {
    "run": _RUN,
    "reasons": Why.choices,
    "longest": 730,
    "most": 100_000,
    "counted": Counted(37, 12, 1, 300),
    "choice": Choice(sender="ebba.olsson@aldervalley.example", rule="Results to patients", since=AT, before=AT),
    "brand": "Alder Valley Clinic",
    "tell": "brand",
}
_REPORT: dict[str, Any] = {"run": _RUN, "why": Why.WRONG_CONTENT.label, "may_undo": True, "named": _ITEMS}
OFFICE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("message-withdraw", "message_withdraw", {**_FORM, "no_reason": True, "nobody": True}),
    (
        "message-date",
        "message_date",
        {**_FORM, "until_value": "2001-01-01", "bad_date": "This date is over.", "past": 1},
    ),
    ("message-hold", "message_hold", {**_FORM, "error": "No hold is on this message."}),
    (
        "message-correct",
        "message_correct",
        {**_FORM, "recipient": _UNOPENED, "error": "That is not a complete address."},
    ),
    ("message-refused", "message_refused", {**_FORM, "error": "A notice was sent in the last five minutes."}),
    (
        "bulk-ask",
        "bulk_ask",
        {
            **_ASK,
            "faults": _FAULTS,
            "no_reason": True,
        },
    ),
    ("bulk-ask-none", "bulk_ask", {**_ASK, "counted": Counted(0, 0, 0, 0)}),
    ("bulk-running", "bulk_run", {**_REPORT, "working": True, "through": 120, "ended": {"done": 120, "waiting": 180}}),
    (
        "bulk-done",
        "bulk_run",
        {**_REPORT, "through": 300, "ended": {"done": 290, "held": 1, "already": 8, "gone": 1, "failed": 1, "kept": 1}},
    ),
    ("bulk-away", "bulk_away", {"error": "The key service does not answer, so nothing was changed."}),
    (
        "asked",
        "asked",
        {"rows": [{"message": ONE, "address": LONG, "asked_at": AT, "last": AT + timedelta(days=7)}]},
    ),
)
_ANSWER = {"asker": "jonas.berg@mail.example", "sent_at": AT, "open_until": AT, "last": AT, "choices": (7, 30)}
PAGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("more-time", "reading/more_time.html", {**_ANSWER, "nothing": True}),
    ("more-time-granted", "reading/more_time.html", {"granted": AT}),
    ("more-time-declined", "reading/more_time.html", {"declined": True}),
    ("more-time-over", "reading/more_time.html", {"over": True}),
)
CLOSED = {"more_time_url": "/m/x/more-time/", "more_time_last": AT}
ASKED = {"more_time_asked": AT, "more_time_last": AT}
_MAIL = {"url": "https://secure.aldervalley.example/more-time/" + "x" * 43, "host": "secure.aldervalley.example"}
MAILS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("more-time-asked", "more_time", {**_ANSWER, **_MAIL, "closed_at": AT, "last": AT}),
    ("reopened", "reopened", {**_MAIL, "sender": "Dr Maya Lindqvist", "open_until": AT, "recipient": LONG}),
)
