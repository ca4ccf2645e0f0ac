"""The senders' pages, in ordinary and awkward states: (name, template, context) of each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.access.models import Delegation
from portal.access.openings import Line as Opened
from portal.delivery.telling import Words
from portal.lifecycle.standing import Recipient, Standing
from portal.sent import phrasing
from portal.sent.listing import Line, To
from portal.sent.story import Step, Story
from portal.sent.views import Person

AT = datetime(2026, 11, 17, 13, 48, tzinfo=UTC)
CLOSES = AT + timedelta(days=30)
LONG = "haushaltsgegenständeversicherungsbescheinigungsverlängerungsantrag"
JONAS, ANNA = "jonas.berg@mail.example", f"{LONG}@other.example"
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))

_TO = (To(JONAS, "opened", AT), To(ANNA, "failed", None), To("k@x.example", "waiting", None))
_LINES = [
    Line("/1", "Your MRI results and next appointment", AT, CLOSES, "", "1 of 1 opened", "", _TO[:1], 0),
    Line("/2", LONG, AT, None, "", "1 of 15 opened", "Not delivered to 1 of 15", _TO, 12),
    Line("/3", "", AT, None, "Withdrawn", "0 of 1 opened", "", (To(JONAS, "withdrawn", None),), 0),
]
_CHIPS = [
    {"label": label, "url": "/sent/", "current": not place}
    for place, label in enumerate(("All", "Not opened", "Closing soon", "Bounced", "Withdrawn"))
]
_LIST = {"lines": _LINES, "chips": _CHIPS, "older_url": "/sent/?after=3", "newest_url": "/sent/"}


def _recipient(id_: UUID, address: str, opened: bool = False, files: int = 0, withdrawn: bool = False) -> Recipient:
    undo = AT + timedelta(minutes=10) if withdrawn else None
    return Recipient(id_, address, AT if opened else None, files, AT if withdrawn else None, undo, gone=False)


_PEOPLE = (
    _recipient(ONE, JONAS, opened=True, files=1),
    _recipient(TWO, ANNA),
    _recipient(THREE, "karin.berg@post.example", withdrawn=True),
)
_NOW = Standing(
    id=ONE, open_until=CLOSES, closed=False, withdrawn_at=None, undo_until=None, held_at=None, gone=False, tell=False,
    resendable=True, asked_at=AT, recipients=_PEOPLE,
)  # fmt: skip
_STEPS = [
    Step("delivered", AT),
    Step("opened_by_passcode", AT + timedelta(minutes=24)),
    Step("downloaded", AT + timedelta(minutes=26), "MRI-report-left-knee.pdf", 1),
    Step("downloaded", AT + timedelta(minutes=27), f"{LONG}.pdf", 2),
    Step("replied", AT + timedelta(minutes=32)),
]
_STORIES = (
    Story(_STEPS),
    Story([Step("bounced", AT)], Words("The address does not exist", "Check the address, and send it again.")),
    Story(),
)
_MESSAGE: dict[str, Any] = {
    "message": _NOW,
    "subject": "Your MRI results and next appointment",
    "sent_at": AT,
    "state": "",
    "told": "1 of 3 opened",
    "people": [Person(one, told, True) for one, told in zip(_PEOPLE, _STORIES, strict=True)],
    "may_undo": True,
    "list_url": "/sent/",
    "changes": [
        {"kind": "withdrawn", "at": AT, "by": "you", "address": "karin.berg@post.example"},
        {"kind": "date_changed", "at": AT, "by": "delegate", "name": ANNA, "address": ""},
    ],
    "rights": ["They can reply.", "They cannot forward it.", "They can download its files."],
    "template": "View only",
    "others": 2,
    "note": "resent",
    "addable": True,
    "askers": [JONAS],
}
_ASK: dict[str, Any] = {
    "message": _NOW,
    "back_url": "/sent/1/",
    "chosen": {str(ONE)},
    "reasons": [(why.value, words) for why, words in phrasing.REASONS],
    "latest": date(2028, 11, 16),
    "until_value": "2026-12-17",
    "undo_minutes": 10,
    "offered": [(name, words, name == "download") for name, words in phrasing.OFF.items()],
}
_WRONG = {**_ASK, "faulty": True, "no_reason": True, "nobody": True, "nothing": True, "past": True,
          "bad_date": "This date is over. Choose today or a later day; to close it now, withdraw it."}  # fmt: skip

_SETTINGS = {
    "back_url": "/sent/",
    "offered": [("view-only", "View only"), ("long", LONG)],
    "days": "7",
    "most": 30,
    "told": "day",
    "template": "long",
}
_OPENED = {"recipient": ANNA, "opened_at": AT, "host": "secure.aldervalley.example"}
_PAGE = "https://secure.aldervalley.example/sent/0194c2d8-0000-7000-8000-000000000001/"
_BOUNCED = {**_OPENED, "reason": "The mailbox is full", "step": "Tell them by another way.", "status": "552 5.2.2"}
_CORRECTED = {**_OPENED, "wrong": ANNA, "right": JONAS, "sent_at": AT, "reason": "It went to the wrong person"}
_DAY = {
    "lines": [
        Opened(ANNA, "", AT, AT + timedelta(minutes=24), ":passcode"),
        Opened(JONAS, "Your MRI results", AT, AT + timedelta(hours=1), "Google"),
    ],
    "messages": 2,
    "host": "secure.aldervalley.example",
}
_LENT = Delegation(by_office=True)
_WHOSE = [{"label": label, "url": "/sent/", "current": label == ANNA} for label in ("Yours", ANNA, JONAS)]
_DELEGATES = [
    {"row": Delegation(id=ONE, by_office=True, made_at=AT), "address": ANNA},
    {"row": Delegation(id=TWO, by_office=False, made_at=AT), "address": JONAS},
]
MAILS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("M7", "opened", {**_OPENED, "provider": "Google", "url": _PAGE}),
    ("M7-bare", "opened", {**_OPENED, "how": ":passcode"}),
    ("M7-day", "digest", {**_DAY, "url": "https://secure.aldervalley.example/sent/", "others": 3}),
    ("M7-delegate", "delegated", {"delegate": ANNA, "url": _PAGE, "host": "secure.aldervalley.example"}),
    ("M8-corrected", "corrected", {**_CORRECTED, "url": _PAGE}),
    ("M8-page", "undelivered", {**_BOUNCED, "url": _PAGE}),
)
PAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("S2", "sent/list.html", _LIST),
    ("S2-none", "sent/list.html", {"lines": [], "chips": _CHIPS, "show": "bounced", "older_url": "/sent/?after=3"}),
    ("S2-message", "sent/message.html", _MESSAGE),
    ("S2-withdraw", "sent/withdraw.html", _ASK),
    ("S2-withdraw-wrong", "sent/withdraw.html", _WRONG),
    ("S2-date", "sent/date.html", _ASK),
    ("S2-date-wrong", "sent/date.html", _WRONG),
    ("S2-rights", "sent/rights.html", _ASK),
    ("S2-resend", "sent/resend.html", _ASK),
    ("S2-resend-wrong", "sent/resend.html", _WRONG),
    (
        "S2-add",
        "sent/add.html",
        {**_ASK, "address_value": "anna", "error": "That is not a complete address.", "faulty": True},
    ),
    ("S5-ask", "sent/asked.html", {**_ASK, "asker": ANNA, "subject": "Your MRI results", "note": "It is me, Anna"}),
    ("S5-sent", "sent/asked.html", {**_ASK, "asker": ANNA, "answer": "sent"}),
    ("S4", "sent/settings.html", {**_SETTINGS, "saved": True}),
    ("S4-wrong", "sent/settings.html", {**_SETTINGS, "faulty": True, "bad_days": "Enter a number of days."}),
    ("S2-lent", "sent/list.html", {**_LIST, "owner": ANNA, "lent": _LENT, "whose": _WHOSE}),
    (
        "S2-message-lent",
        "sent/message.html",
        {**_MESSAGE, "subject": "", "owner": ANNA, "lent": _LENT, "addable": False},
    ),
    ("S4-delegates", "sent/delegates.html", {"back_url": "/sent/settings/", "delegates": _DELEGATES, "said": "added"}),
    ("S4-delegates-none", "sent/delegates.html", {"back_url": "/sent/settings/", "said": "ended"}),
    (
        "S4-delegate-add",
        "sent/delegate_add.html",
        {
            "back_url": "/sent/delegates/",
            "address_value": "anna",
            "error": "That is not a complete address.",
            "faulty": True,
        },
    ),
    ("S2-refused", "sent/refused.html", {**_ASK, "faulty": True, "error": "There is nothing to undo."}),
]
