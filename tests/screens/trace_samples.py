"""The office's pages about messages, bounces and health, in states that a demo does not come by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.console import remedies
from portal.console.bouncing import Domain
from portal.console.bouncing import Line as Bounced
from portal.console.finding import Filter
from portal.console.listing import Line, Page
from portal.operations.searches import Sought
from portal.operations.tracing import Event, Mail, MayRead, Trace

ONE = UUID("019b2f6e-3c1a-7d11-8a50-4f2d9c0a7e31")
AT = datetime(2026, 12, 17, 14, 48, 2, tzinfo=UTC)
LONG = "a-very-long-name-that-somebody-gave-to-a-rule-and-that-has-no-space-in-it"


def _event(seconds: int, kind: str, sentence: str, who: str = "", **facts: Any) -> Event:
    return Event(AT + timedelta(seconds=seconds), kind, sentence, who, facts, "Portal", 0 if who else None)


_MAIL = Mail(ONE, "notice", "Notice", "sent", "Sent", "jo•••••@mail.example", 1, "250 2.0.0", AT, AT, AT, "")
TRACE = Trace(
    id=ONE, state="open", sentence="Opened by 2 of 3", held=False, received_at=AT, size=48_000, recipients=3,
    attempts=0, last_error="", brand="Alder Valley Clinic", rule=LONG, open_until=AT + timedelta(days=30),
    events=(
        _event(0, "message.received", "Received from mail.aldervalley.example, 48 kB. Encrypted with TLSv1.3. Known by "
               "its login.", host="mail.aldervalley.example", tls="TLSv1.3", proof="login"),
        _event(1, "message.accepted", f"The rule “{LONG}” asks for protection.", rule=LONG, action="protect"),
        _event(3, "wrapper.delivered", "Notice handed to the mail server: 250 2.0.0. To gmail-smtp-in.l.google.com, "
               "encrypted with TLSv1.3; its certificate is proved, as its domain asks (MTA-STS).",
               "jo•••••@mail.example", answer="250 2.0.0", host="gmail-smtp-in.l.google.com", verified="mta-sts"),
        _event(90_000, "message.opened", "Opened for the first time.", "jo•••••@mail.example", first=True),
    ),
    mails=(_MAIL, _MAIL), approval=None,
    readers=(MayRead(0, "recipient", "jo•••••@mail.example", AT), MayRead(1, "author", "ma•••••@a.example", None)),
)  # fmt: skip
_LINE = Line(ONE, AT, "aldervalley.example", 3, "Alder Valley Clinic", "Not delivered to 1 of 3", False, LONG)
_SEARCH: dict[str, Any] = {
    "asked": Filter(Sought(recipient="x"), state="undelivered", since=date(2026, 12, 1)),
    "brands": [("alder", "Alder Valley Clinic")],
    "states": [("open", "Open or closed"), ("undelivered", "Not delivered")],
    "hidden": [("state", "undelivered")],
    "filtered": True,
    "first": True,
    "show": "",
}
_BOUNCED = Bounced(
    ONE, "a.•••••@a-long-domain-name-of-a-mailbox.example", "5.7.26", "Reputation", remedies.reason("5.7.26"),
    1_204, AT, True, True, True,
)  # fmt: skip
OFFICE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "messages",
        "messages",
        {**_SEARCH, "page": Page([_LINE], ONE), "older": "x", "said": ["x"], "bad_address": True, "recipient": LONG},
    ),
    ("message", "message", {"trace": TRACE, "only": 0}),
    (
        "bounces",
        "bounces",
        {
            "lines": [_BOUNCED],
            "domains": [Domain("gmail.com", 12, 240, False, remedies.advice("4.7.0"))],
            "sort": "hard",
            "sorts": remedies.sorts(),
            "older": "after=x",
            "first": False,
            "may": {"act_on_messages": True},
        },
    ),
)
"""What is not here, tests/screens/test_office.py walks in a demo."""
