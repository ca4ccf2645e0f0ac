"""Every page and mail with the values a view would give it, in its ordinary and its awkward states."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.safestring import mark_safe

from branding import logos
from branding.context import face
from branding.models import Brand
from portal.access.alarms import Words
from portal.access.authenticator_settings import Shown
from portal.access.more import CodeAsked, PhraseAsked, Way
from portal.access.signed_in import Device
from portal.access.ways import Button, Ways
from portal.mime.addresses import Mailbox
from portal.mime.plain import to_html
from portal.reading.paper import for_both_themes
from portal.vault.rights import Rights
from portal.vault.toc import Voucher
from portal.writing.forms import Fault
from tests.screens import life_samples, rule_samples, sent_samples, trace_samples

SENT = datetime(2026, 11, 17, 13, 48, tzinfo=UTC)
ADDRESS = "jonas.berg@mail.example"
LINK = "/m/7jq2vd9rkt4xwc8h5n0ame"
LONG = "Haushaltsgegenständeversicherungsbescheinigungsverlängerungsantrag"

ALDER = Brand(
    slug="alder",
    name="Alder Valley Clinic",
    host="localhost",
    domains=["aldervalley.example"],
    colour="#14594f",
    words={
        "en-gb": {
            "welcome": "{organisation} uses this page to send letters and results that should not travel by ordinary "
            "email.",
        }
    },
    postal_address="Alder Street 4, 123 45 Alder Valley",
    phone="+46 8 123 45 67",
    privacy_url="https://aldervalley.example/privacy",
)
LOGO_URL = "/logo.svg"
WORDED = {
    "said": {
        "introduction": "Dr Maya Lindqvist of Alder Valley Clinic has written you a letter.",
        "mail_text": "Please read it before your visit.\nBring it with you, on paper or on your phone.",
        "read_button": "Read your letter",
        "disclaimer": "For nobody but you.\nAlder Valley Clinic is registered in Alder Valley.",
    },
    "privacy_page": "https://localhost/privacy/",
}
HARBOUR = Brand(slug="harbour", name="Harbour Legal", host="harbour.localhost", colour="#e8a33d")
NAKHIL = Brand(slug="nakhil", name="مدرسة النخيل", host="nakhil.localhost", colour="#8a2f52")


@dataclass(frozen=True)
class Sample:
    """A template with a context; `language` and `brand` as the request would have them."""

    name: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    brand: Brand | None = ALDER
    language: str = "en-gb"
    signed_in_as: str = ""
    source: str = ""
    """Template text in place of a file."""

    def __str__(self) -> str:
        return self.name


ENVELOPE = {
    "sender_name": "Dr Maya Lindqvist",
    "sender_address": "maya.lindqvist@aldervalley.example",
    "sent_at": SENT,
    "open_until": date(2026, 12, 17),
}
MASKED = {
    "masked": "jo•••••@mail.example",
    "spoken": "the address that starts with j o, at mail.example",
    "host": "localhost:8000",
}
APP = "access/settings/authenticator.html"
BEGUN = Shown(
    "begun",
    spelt="JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
    picture_url="/static/seal.svg",
    error="That code is not right. Enter the 6 digits that your authenticator app shows now.",
)
NOT_THE_PHRASE = "That is not the phrase. You have 4 tries left."
HINT = "what we rowed in, the summer Vera stayed with us"
MORE = {
    **MASKED,
    "envelope": ENVELOPE,
    "proved_by": "provider",
    "sender_name": "Dr Maya Lindqvist",
    "ways": [
        Way("access/more/phrase.html", PhraseAsked(f"{LINK}/phrase/", HINT, 4, "Dr Maya Lindqvist", NOT_THE_PHRASE)),
        Way("access/more/code.html", CodeAsked(f"{LINK}/factor/", young=False)),
    ],
    "usable": 2,
    "settings_url": "/settings/",
    "error": NOT_THE_PHRASE,
    "error_field": "phrase",
}
GOOGLE, MICROSOFT, YAHOO, CORP = (
    Button(kind, name, kind, f"{LINK}/sign-in/{kind}/", "", ())
    for kind, name in (("google", "Google"), ("microsoft", "Microsoft"), ("yahoo", "Yahoo"), ("oidc", "Alder Group"))
)
NO_OTHER = Ways(True, None, False, (), f"http://localhost:8000{LINK}")
FITTING = replace(NO_OTHER, fitting=GOOGLE, more=(MICROSOFT, replace(YAHOO, state="down")))
COMPANY = replace(NO_OTHER, fitting=CORP, company=True, more=(replace(GOOGLE, state="webview"), MICROSOFT))
ANYWHERE = replace(NO_OTHER, more=(replace(GOOGLE, state="webview"), MICROSOFT, replace(YAHOO, state="down"), CORP))
CHOOSE = {**MASKED, "envelope": ENVELOPE, "ask_url": f"{LINK}/ask/", "note": "", "ways": NO_OTHER}
OTHER_ADDRESS = {
    **CHOOSE,
    "address": "anna.with.a.long.name@other.example",
    "sender_name": "Dr Maya Lindqvist",
    "provider": None,
    "account_url": "",
}
PASSCODE = {
    **MASKED,
    "envelope": ENVELOPE,
    "reference": "KITE-27",
    "sent_at": SENT,
    "until": SENT + timedelta(minutes=15),
    "code_value": "",
    "error": "",
    "left": "",
    "dead": False,
    "check_url": f"{LINK}/passcode/",
    "again_url": f"{LINK}/ask/",
    "back_url": LINK,
    "note": "",
    "keep": False,
    "asks_code": False,
}
CODE = {"envelope": ENVELOPE, "host": "secure.aldervalley.example", "error": "", "code_url": f"{LINK}/code/"}
WRONG = {
    "error": "That passcode is not right. Check the 8 digits and try again.",
    "left": "You have 3 tries left.",
    "code_value": "28417360",
}
LETTER = {
    "subject": "Your MRI results and next appointment",
    "sender_name": "Dr Maya Lindqvist",
    "sender_address": "maya.lindqvist@aldervalley.example",
    "address_first": "",
    "initials": "ML",
    "others": ("Karin Berg",),
    "to": (f"Jonas Berg <{ADDRESS}>", "Karin Berg <karin.berg@post.example>"),
    "cc": (),
    "sent_at": SENT,
    "vouched": Voucher("own"),
}
FILES = [
    {
        "name": "MRI-report-left-knee.pdf",
        "kind": "PDF",
        "description": "PDF, 412 KB",
        "url": f"{LINK}/file/1",
        "preview_url": f"{LINK}/file/1/preview",
    },
    {"name": "Knee-scan-sagittal.jpg", "kind": "JPG", "description": "Picture, 3.6 MB", "url": f"{LINK}/file/2"},
    {
        "name": "Exercise plan weeks 5 to 8.docx",
        "kind": "DOCX",
        "description": "Word document, 288 KB",
        "url": f"{LINK}/file/3",
    },
]
PREVIEW = {
    "back_url": LINK,
    "subject": LETTER["subject"],
    "sender": LETTER["sender_name"],
    "name": FILES[0]["name"],
    "rights": Rights(),
    "download_url": f"{LINK}/file/1",
    "state": "ok",
    "as_text": False,
    "layer": False,
    "page": 2,
    "pages": 12,
    "earlier_url": f"{LINK}/file/1/preview/1",
    "later_url": f"{LINK}/file/1/preview/3",
    "picture_url": f"{LINK}/file/1/preview/2/picture",
    "page_url": f"{LINK}/file/1/preview/2",
    "text_url": f"{LINK}/file/1/preview/2/text",
    "words": "",
    "rows": (),
    "cut": False,
    "mark": "",
    "mark_url": "",
}
ONLY_SEEN = {"rights": Rights(download=False, print=False, watermark=True), "download_url": ""}
TEXT = (
    "<p>Dear Jonas,</p><p>Good news: the scan from 12 November shows that the swelling in your left knee has gone down "
    "and the ligament is healing as we hoped. There is no sign of a new tear.</p><p>What happens next:<br>"
    "- Carry on with the exercises in the attached plan, twice a day.<br>- You may cycle, and swim.</p>"
    '<p>More at <a href="https://aldervalley.example/knee" target="_blank" rel="noopener noreferrer nofollow">'
    "https://aldervalley.example/knee</a></p><p>Kind regards,<br>Maya Lindqvist</p>"
    "<details><summary><span>Show the quoted text</span></summary>"
    "<blockquote>Thank you, Thursday works.</blockquote></details>"
)
HTML = (
    '<div style="font-family:Georgia,serif"><h2>Dear Jonas,</h2><p>Good news: the swelling has gone down.</p>'
    + "<p>The ligament is healing as we hoped. There is no sign of a new tear in any of the pictures.</p>" * 12
    + '<p style="color:#c00000">Bring your exercise diary. <span style="color:rgb(0, 0, 0)">We will read it.</span></p>'
    + '<blockquote><font color="#1f497d">Thank you, Thursday works.</font></blockquote>'
    + '<p><a href="https://aldervalley.example/" target="_blank">Our page</a></p></div>'
)
NEWSLETTER = (
    '<table width="100%" bgcolor="#14594f"><tr><td style="color:#ffffff;padding:16px"><h2>Alder Valley Clinic</h2>'
    "</td></tr></table><p>Dear Jonas,</p><p>Good news: the swelling has gone down.</p>"
    '<p style="background:#fff0b3">Bring your exercise diary.</p>'
)
MESSAGE = {
    "link": LINK.rpartition("/")[2],
    "letter": LETTER,
    "mine": False,
    "rights": Rights(),
    "open_until": SENT + timedelta(days=30),
    "days_left": 24,
    "closing_soon": False,
    "text_html": TEXT,
    "has_html": False,
    "body_url": f"{LINK}/body",
    "removed": False,
    "remote_pictures": 1,
    "pictures_url": f"{LINK}/pictures",
    "pictures_shown": False,
    "readable": True,
    "original_url": "",
    "files": FILES,
    "files_size": "4.3 MB",
    "files_url": f"{LINK}/files",
    "reply_url": f"{LINK}/reply",
    "reply_all_url": f"{LINK}/reply-all",
    "older": [
        {
            "url": "/m/1",
            "initials": "JB",
            "who": "You",
            "sent_at": SENT - timedelta(days=8),
            "snippet": "Thank you, Thursday the 12th works. Do I need to fast before the scan?",
        },
        {
            "url": "/m/2",
            "initials": "ML",
            "who": "Dr Maya Lindqvist",
            "sent_at": SENT - timedelta(days=9),
            "snippet": "We have a time for your MRI scan. Please confirm that 12 November at 09:40 suits you.",
        },
    ],
    "address": ADDRESS,
    "short_id": "7c1f09e2",
    "inbox_url": "/inbox/",
}
INVITATION = {
    "kind": "Invitation, changed since it was first sent",
    "cancelled": False,
    "what": "Talk about your knee",
    "when": "Tuesday, 24 November 2026, 14:00 to 15:00",
    "zone": "Time zone: Europe/Stockholm",
    "starts": SENT,
    "here": mark_safe("<span data-local-zone>UTC</span>"),
    "repeats": ["Repeats every week.", "It takes place 3 times."],
    "where": mark_safe('<p dir="auto">Room 4, Alder Street 4</p>'),
    "organiser": "Dr Maya Lindqvist",
    "organiser_address": "maya.lindqvist@aldervalley.example",
    "attendees": "3 people are invited",
    "notes": mark_safe('<p dir="auto">Please bring your exercise diary.</p>'),
    "long_notes": False,
    "others": "",
    "url": f"{LINK}/file/1",
}
HOLDS = {
    "protections": ["This message carries an S/MIME signature, which Letterlock has not checked."],
    "cards": [
        INVITATION,
        {
            **INVITATION,
            "cancelled": True,
            "kind": "This event was cancelled",
            "what": LONG,
            "url": "",
            "long_notes": True,
        },
    ],
    "inner": [
        {"url": f"{LINK}/inner/1", "subject": f"Re: {LONG}", "sender": "Karin Berg", "sent_at": SENT},
        {"url": f"{LINK}/inner/2", "subject": "", "sender": "", "sent_at": None},
    ],
    "rest": True,
}
AWKWARD = {
    "letter": {
        **LETTER,
        "subject": f"{LONG} und {LONG}",
        "sender_name": "ceo@bank.example",
        "sender_address": f"{'x' * 60}@evil.example",
        "address_first": f"{'x' * 60}@evil.example",
        "vouched": Voucher("nobody"),
        "others": ("Karin Berg", "Otto Weiß", "Samira Nasser"),
        "cc": ("Otto Weiß <otto.weiss@web.example>",),
    },
    "rights": Rights(reply=False, forward=True, download=False, print=False, copy=False, watermark=True),
    "terms_name": "Nur zur Ansicht durch den Verwaltungsrat der Hafengesellschaft",
    "terms_note": "Was hier steht, ist noch nicht beschlossen. Bitte sprechen Sie bis zur Sitzung mit niemandem.",
    "days_left": 1,
    "closing_soon": True,
    "removed": True,
    "remote_pictures": 3,
    "readable": False,
    "original_url": f"{LINK}/original",
    "files": [
        {
            "name": f"{LONG}-{LONG}.pdf",
            "kind": "PDF",
            "description": "PDF, 598 KB",
            "url": "",
            "preview_url": f"{LINK}/file/1/preview",
        },
        {
            "name": "scan.tif",
            "kind": "TIF",
            "description": "Picture, 98 MB",
            "url": "",
            "preview_url": "",
            "too_large": True,
        },
    ],
    "files_size": 612004,
    "files_url": "",
    "reply_url": "",
    "reply_all_url": "",
    "forward_url": f"{LINK}/forward",
    "text_html": f"<p>{LONG * 3}</p><pre>{'0123456789' * 20}</pre>",
}
ITEMS = [
    {
        "url": f"{LINK}",
        "sender": "Dr Maya Lindqvist",
        "subject": "Your MRI results and next appointment",
        "sent_at": SENT,
        "unread": True,
        "files": 3,
        "tag": "",
    },
    {
        "url": "/m/2",
        "sender": "Alder Valley reception",
        "subject": "Laboratory results",
        "sent_at": SENT - timedelta(days=29),
        "unread": True,
        "files": 0,
        "tag": "",
        "closes": SENT + timedelta(days=1),
        "count": 3,
    },
    {"url": "/m/3", "sender": "You", "subject": LONG * 2, "sent_at": SENT, "unread": False, "files": 1, "tag": ""},
    {
        "url": "/m/4",
        "sender": "ليلى حداد",
        "subject": "تقرير الفصل الأول",
        "sent_at": SENT - timedelta(days=40),
        "unread": False,
        "files": 0,
        "tag": "Withdrawn",
    },
]
INBOX = {
    "address": ADDRESS,
    "items": [{"conversation": "0", "until": "", **item} for item in ITEMS],
    "asked": {"page": "2"},
    "chips": [
        {"label": "All", "url": "/inbox/", "current": True},
        {"label": "Unread 12", "url": "/inbox/?show=unread", "current": False},
        {"label": "Sent by me", "url": "/inbox/?show=mine", "current": False},
        {"label": "Closing soon", "url": "/inbox/?show=closing", "current": False},
    ],
    "longest_query": 100,
    "just_hidden": "0",
    "all_url": "/inbox/",
    "hidden_url": "/inbox/?show=hidden",
    "older_url": "/inbox/?page=3",
    "newer_url": "/inbox/",
}
REPLY = {
    "link": "x",
    "kind": "reply",
    "may_quote": True,
    "original_goes": True,
    "to_name": "Dr Maya Lindqvist",
    "subject": "Re: Your MRI results and next appointment",
    "message_value": "",
    "errors": [],
    "limits": "Up to 25 files, 50 MB together.",
    "action_url": f"{LINK}/reply",
    "back_url": LINK,
    "version": "",
    "saved_at": SENT,
    "other_at": SENT,
    "kept": [{"name": "scan.pdf", "size": 412_000, "id": UUID(int=1)}],
    "original": {"sender_name": "Dr Maya Lindqvist", "sent_at": SENT, "text": "Dear Jonas,\n\nGood news: the scan …"},
}
PROBLEM = {
    "sender_name": "Dr Maya Lindqvist",
    "sender_address": "maya.lindqvist@aldervalley.example",
    "open_until": SENT,
    "reference": "",
    "inbox_url": "/inbox/",
}
DEVICES = [
    Device(1, "Firefox on Windows", "Alder Valley Clinic", "by passcode", SENT, SENT, here=True),
    Device(2, "Safari on iPhone", "Alder Valley Clinic", "with Google", SENT - timedelta(hours=2), SENT, here=False),
    Device(3, "", LONG, "by passkey", SENT - timedelta(hours=2), SENT, here=False),
]
ASK_SENDER = {
    "sender": "Dr Maya Lindqvist",
    "address": "anna.with.a.long.name@other.example",
    "url": f"{LINK}/request/",
    "longest": 200,
    "note_value": "",
    "error": "",
    "note": "",
    "done": False,
}
FIND = {**MASKED, "address_value": "", "error": "", "find_url": "/m/", "note": "", "link_typed": False}
PASSKEY = {"passkey_url": f"{LINK}/passkey/", "passkey_ask_url": "/passkey/ask/", "passkey_first": True}
OWN = {"sections": ["access/settings/passkeys.html"]}
URLS = {"rename_url": "/settings/passkeys/1/rename/", "remove_url": "/settings/passkeys/1/remove/"}
CARDS = {
    "note": "The name was changed.",
    "may_add": True,
    "fresh": False,
    "mails": True,
    "asks": True,
    "longest_name": 60,
    "cards": [
        {"name": "Blue phone", "device": "Safari on iPhone", "made_at": SENT, "used_at": SENT, "asleep": False, **URLS},
        {"name": LONG, "device": "", "made_at": SENT, "used_at": None, "asleep": True, **URLS},
    ],
}
SECTIONS = [
    {"url": "/admin/", "label": "Overview", "icon": "home", "current": True},
    {"url": "/admin/messages/", "label": "Messages", "icon": "mail", "count": "1,204"},
    {"url": "/admin/log/", "label": "Audit log", "icon": "log", "operate": True},
    {"url": "/admin/health/", "label": "Health", "icon": "pulse", "operate": True},
]

CONSOLE = """{% extends "console/frame.html" %}{% block title %}Overview{% endblock %}
{% block crumbs %}<nav class="crumbs" aria-label="Breadcrumb"><a href="/admin/">Overview</a></nav>{% endblock %}
{% block pagehead %}<h1>Overview</h1><span class="tag tag--ok"><span class="dot" aria-hidden="true"></span> Well</span>
<div class="row"><button class="btn btn--s btn--ink">Send a test</button></div>{% endblock %}
{% block main %}<section class="panel" aria-labelledby="p"><header><h2 id="p">Waiting</h2></header>
<div class="panel__in"><table><caption>Mail that waits to leave</caption>
<thead><tr><th scope="col">Kind</th><th scope="col" class="num">Rows</th></tr></thead>
<tbody><tr><th scope="row">Notices</th><td class="num">12</td></tr></tbody></table></div></section>
{% endblock %}"""

ADA = "ada.lovelace@aldervalley.example"
ROLES = [("owner", "Owner"), ("admin", "Administrator"), ("support", "Support")]
OFFICE_WAYS = {
    "password": True,
    "passkey": True,
    "providers": [
        {"name": "Alder Valley", "url": "/admin/enter/with/corp/", "down": False},
        {"name": "Corp", "url": "/admin/enter/with/old/", "down": True},
    ],
}
MEMBERS = [
    {
        "person": {"id": "0194c2d8-0000-7000-8000-000000000001"},
        "address": ADA,
        "role": "Owner",
        "ways": "passkey",
        "seen_at": SENT,
    },
    {
        "person": {"id": "0194c2d8-0000-7000-8000-000000000002"},
        "address": "",
        "role": "Support",
        "ways": "",
        "seen_at": None,
    },
]
SESSION = {"device": "", "method": "passkey", "made_at": SENT, "seen_at": SENT}
KEY = {"id": "0194c2d8-0000-7000-8000-000000000003", "made_at": SENT, "used_at": SENT, "asleep_at": SENT}
PERSON = {
    "person": MEMBERS[0]["person"],
    "address": ADA,
    "label": "Owner",
    "roles": ROLES,
    "role": "owner",
    "reasons": [("left", "Left the organisation")],
    "error": "There must be one owner. Make someone else an owner first.",
    "no_reason": True,
}

SENDER = "maya.lindqvist@aldervalley.example"
SIGNED_OUT = "You were signed out because nothing happened for 30 minutes."
DEPARTMENTS = [
    {
        "slug": "reception",
        "name": "Reception",
        "note": "Appointments and anything else. Open Monday to Friday, 8:00 to 17:00.",
    },
    {"slug": "billing", "name": "Billing", "note": ""},
    {"slug": "long", "name": LONG, "note": "Outside office hours. We answer on Monday."},
]
WRITE_TO: dict[str, Any] = {
    "departments": DEPARTMENTS,
    "action_url": "/write/",
    "limits": "Up to 25 files, 50 MB together. Programs (.exe, .js …) are not accepted.",
    "max_bytes": 50_000_000,
    "trap": "website",
    "made": "1:x",
    "host": "secure.aldervalley.example",
    "errors": [],
}
WRITTEN_WRONG: dict[str, Any] = {
    "subject": "Question about my bill",
    "message_value": "Hello,\n\nthe bill lists an X-ray.",
    "address_value": "karin",
    "name_value": "www.bank.example",
    "written": True,
    "trap_value": "https://spam.example",
    "kept": [{"id": UUID(int=7), "name": f"{LONG}.pdf", "size": 421_888}],
    "errors": [
        Fault("to", "Choose to whom you write."),
        Fault("files", "scan.tiff is 61 MB. The limit is 50 MB together."),
        Fault("address", "karin is not a complete address."),
        Fault("name", "Write your name without addresses and links, in 80 characters at most."),
        Fault("website", "Leave this field empty. It is there to catch programs."),
    ],
}
PAGES = [
    Sample("R1", "access/choose.html", CHOOSE),
    Sample(
        "R1-note",
        "access/choose.html",
        {**CHOOSE, **PASSKEY, "envelope": {**ENVELOPE, "open_until": None}, "note": "You were signed out."},
        brand=HARBOUR,
    ),
    Sample(
        "R1-logo",
        "access/choose.html",
        {
            **CHOOSE,
            "brand": replace(
                face(ALDER),
                logo=logos.Shown(LOGO_URL, 170, 64),
                portal_text="Letters, results and appointments of the clinic, private from the first line to the last",
            ),
        },
    ),
    Sample("R1-right-to-left", "access/choose.html", {**CHOOSE, "ways": FITTING}, brand=NAKHIL, language="ar"),
    Sample("R1-fitting", "access/choose.html", {**CHOOSE, "ways": FITTING}),
    Sample("R1-company", "access/choose.html", {**CHOOSE, "ways": COMPANY}),
    Sample("neutral", "access/find.html", {**FIND, "ways": NO_OTHER, "link_typed": True}),
    Sample(
        "neutral-error",
        "access/find.html",
        {**FIND, "ways": ANYWHERE, "address_value": "jonas@", "error": "jonas@ is not a complete address."},
    ),
    Sample("S2-way-in", "access/senders.html", {"ways": replace(ANYWHERE, more=(CORP,)), "note": SIGNED_OUT}),
    *(Sample(*page, signed_in_as=SENDER) for page in sent_samples.PAGES),
    Sample("R3", "access/passcode.html", PASSCODE),
    Sample("R3-neutral", "access/passcode.html", {**PASSCODE, "envelope": None, "keep": True}),
    Sample("R3-code", "access/passcode.html", {**PASSCODE, "asks_code": True}),
    Sample("code", "reading/code.html", CODE, signed_in_as=ADDRESS),
    Sample(
        "code-wrong",
        "reading/code.html",
        {**CODE, "error": "That code does not belong to this message."},
        signed_in_as=ADDRESS,
    ),
    Sample("more-wrong", "access/more.html", MORE, signed_in_as=ADDRESS),
    Sample(
        "R14-app", "access/settings/authenticator_refused.html", {"sections": [APP], "app": BEGUN}, signed_in_as=ADDRESS
    ),
    Sample("R3-wrong", "access/passcode.html", {**PASSCODE, **WRONG}),
    Sample(
        "R3-dead",
        "access/passcode.html",
        {**PASSCODE, "error": "That passcode no longer works after five tries. Ask for a new one.", "dead": True},
    ),
    Sample(
        "R2",
        "access/other_address.html",
        OTHER_ADDRESS,
        signed_in_as="anna.with.a.long.name@other.example",
    ),
    Sample("R2-provider", "access/other_address.html", {**OTHER_ADDRESS, "provider": GOOGLE, "account_url": LINK}),
    Sample("R6", "access/wait.html", {"until": SENT}),
    Sample("R14-passkeys", "access/settings.html", {**OWN, "passkeys": CARDS}, signed_in_as=ADDRESS),
    Sample("R6", "access/wait.html", {"until": SENT, "back_url": LINK}),
    Sample(
        "R14",
        "access/settings.html",
        {
            "sections": ["access/settings/devices.html"],
            "devices": {"list": DEVICES, "others": True, "url": "/settings/devices/"},
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R14-soon",
        "access/settings.html",
        {
            "sections": ["access/settings/devices.html"],
            "devices": {"list": DEVICES[:1], "others": False, "url": "/settings/devices/"},
            "inbox_url": "/inbox/",
            "session_over_in": 60,
        },
        signed_in_as=ADDRESS,
    ),
    Sample("R4", "access/ask_sender.html", ASK_SENDER, signed_in_as="anna@other.example"),
    Sample(
        "R4-error",
        "access/ask_sender.html",
        {
            **ASK_SENDER,
            "error": "Leave links and addresses out of your message.",
            "note_value": "See www.other.example",
        },
        signed_in_as="anna@other.example",
    ),
    Sample("R4-done", "access/ask_sender.html", {**ASK_SENDER, "done": True}, signed_in_as="anna@other.example"),
    Sample("R16", "access/signed_out.html", {"note": ""}),
    Sample("R8", "reading/message.html", MESSAGE, signed_in_as=ADDRESS),
    Sample(
        "R8-html",
        "reading/message.html",
        {
            **MESSAGE,
            "has_html": True,
            "text_html": "",
            "body_url": "/R8-body",
            "remote_pictures": 2,
            "pictures_shown": True,
            "letter": {**LETTER, "vouched": Voucher("signature", "aldervalley.example")},
            "open_until": None,
            "offers_passkey": True,
            "passkey_fresh": True,
            "passkey_mails": True,
            **HOLDS,
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R8-html-white",
        "reading/message.html",
        {**MESSAGE, "has_html": True, "text_html": "", "body_url": "/R8-body-white"},
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R8-inner",
        "reading/inner.html",
        {
            **MESSAGE,
            **HOLDS,
            "cards": [],
            "around": LINK,
            "sent_by": "Dr Maya Lindqvist",
            "sender": "Karin Berg",
            "letter": {
                "subject": "Re: your results",
                "sender": Mailbox("Karin Berg", "karin.berg@post.example"),
                "to": (Mailbox("", ADDRESS), Mailbox("Otto Weiß", "otto.weiss@web.example")),
                "sent_at": SENT,
            },
            "text_html": to_html(
                f"Dear Jonas,\n\nhttps://x.example/{LONG * 2}\n> a\n>> b\n> c\n\n-- \nKarin", "Show quoted text"
            ),
            "removed": True,
        },
        signed_in_as=ADDRESS,
    ),
    Sample("R8-awkward", "reading/message.html", {**MESSAGE, **AWKWARD}, brand=HARBOUR, signed_in_as=ADDRESS),
    Sample("R8-mine", "reading/message.html", {**MESSAGE, "mine": True, "reply_url": ""}, signed_in_as=ADDRESS),
    Sample("R8-right-to-left", "reading/message.html", MESSAGE, brand=NAKHIL, language="ar", signed_in_as=ADDRESS),
    *(
        Sample(f"R9-{name}", "reading/preview.html", {**PREVIEW, **context}, signed_in_as=ADDRESS)
        for name, context in (
            ("page", {"cut": True}),
            (
                "text",
                {
                    "as_text": True,
                    "layer": True,
                    "words": f"{LONG * 3}\n\nx",
                    "mark": f"{ADDRESS} · 7c1f09e2",
                    **ONLY_SEEN,
                },
            ),
            ("table", {"as_text": True, "rows": [("Name", "Value", LONG)] * 9, "pages": 2, "later_url": ""}),
            ("preparing", {"state": "preparing", "pages": 0}),
            ("password", {"state": "password", "pages": 0, **ONLY_SEEN}),
            ("large", {"state": "large", "pages": 0, "name": f"{LONG}{LONG}.pdf"}),
        )
    ),
    *(Sample(*page, signed_in_as=ADDRESS) for page in rule_samples.PAGES),
    Sample("R7", "reading/inbox.html", INBOX, signed_in_as=ADDRESS),
    Sample(
        "R7-none",
        "reading/inbox.html",
        {**INBOX, "items": [], "filtered": True, "query": LONG, "older_url": "", "newer_url": ""},
        signed_in_as=ADDRESS,
    ),
    *(
        Sample(f"R5-{kind}", "reading/problem.html", {**PROBLEM, "kind": kind}, signed_in_as=ADDRESS)
        for kind in ("closed", "withdrawn", "away")
    ),
    *(
        Sample(name, "reading/problem.html", {**PROBLEM, "kind": "closed", **more}, signed_in_as=ADDRESS)
        for name, more in (("R5-more-time", life_samples.CLOSED), ("R5-asked", life_samples.ASKED))
    ),
    *(Sample(name, template, context) for name, template, context in life_samples.PAGES),
    *(
        Sample(f"R5-{kind}", "reading/problem.html", {**PROBLEM, "kind": kind, "reference": "9f31c2aa"})
        for kind in ("damaged",)
    ),
    Sample("R11", "writing/reply.html", {**REPLY, "max_bytes": 50_000_000}, signed_in_as=ADDRESS),
    Sample(
        "R11-rich",
        "writing/reply.html",
        {
            **REPLY,
            "max_bytes": 50_000_000,
            "files_url": f"{LINK}/reply/files",
            "html_value": "<p>I am <strong>better</strong>.</p><ul><li>no pain</li><li>walking</li></ul>"
            '<p>See <a href="https://a.example/">this page</a>.</p>',
            "coming": [{"name": f"{LONG}.tiff", "id": UUID(int=2)}],
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R11-closed",
        "writing/reply.html",
        {
            **REPLY,
            "max_bytes": 1,
            "still_until": SENT,
            "kept": [],
            "other_at": None,
            "saved_at": None,
            "original": None,
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R11-errors",
        "writing/reply.html",
        {
            **REPLY,
            "errors": [
                {"field": "message", "sentence": "Write a message or add a file."},
                {"field": "files", "sentence": "scan.tiff is 61 MB. The limit is 50 MB together."},
            ],
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R11-all",
        "writing/reply.html",
        {
            **REPLY,
            "kind": "all",
            "people": [
                {"name": "Dr Maya Lindqvist", "address": "maya.lindqvist@aldervalley.example", "chosen": True},
                {"name": f"{LONG}@web.example", "address": f"{LONG}@web.example", "chosen": False},
            ],
            "errors": [{"field": "to", "sentence": "Enter at least one address."}],
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R11-forward",
        "writing/reply.html",
        {
            **REPLY,
            "kind": "forward",
            "may_quote": False,
            "subject": f"Fwd: {LONG}",
            "typed": "otto@web.example, karin",
            "allowed": "web.example, aldervalley.example",
            "errors": [{"field": "to", "sentence": "karin is not a complete address."}],
        },
        signed_in_as=ADDRESS,
    ),
    Sample(
        "R11-not-sent",
        "writing/not_sent.html",
        {"note": "", "message_url": LINK, "action_url": f"{LINK}/reply", "message_value": LONG * 3, "hidden": []},
    ),
    Sample("R13", "writing/write_to.html", WRITE_TO),
    Sample("R13-wrong", "writing/write_to.html", {**WRITE_TO, **WRITTEN_WRONG}, brand=NAKHIL, language="ar"),
    Sample(
        "R13-passcode",
        "writing/passcode.html",
        {
            **PASSCODE,
            "envelope": None,
            "address": "a.long.name.of.somebody@a-long-domain-name.example",
            "back_url": "/write/",
        },
    ),
    Sample(
        "R12",
        "writing/sent.html",
        {"to": "Dr Maya Lindqvist", "sent_at": SENT, "files": 2, "message_url": LINK, "inbox_url": "/inbox/"},
        signed_in_as=ADDRESS,
    ),
    Sample("help", "pages/help.html"),
    Sample("privacy", "pages/privacy.html"),
    Sample("accessibility", "pages/accessibility.html", brand=HARBOUR),
    Sample("genuine", "pages/genuine.html", {"domains": ALDER.domains, "checked": False}),
    Sample(
        "genuine-no",
        "pages/genuine.html",
        {"domains": [], "attached": True, "checked": True, "ours": False, "pasted": "https://evil.example/m/1"},
    ),
    *(Sample(str(status), f"{status}.html", {"reference": "9f31c2aa"}) for status in (403, 404, 413, 503)),
    Sample("500-without-a-brand", "500.html", {"reference": "9f31c2aa"}, brand=None),
    Sample(
        "console",
        "",
        {"sections": SECTIONS},
        signed_in_as="ebba.olsson@aldervalley.example",
        source=CONSOLE,
        brand=None,
    ),
    *(
        Sample(f"office-{name}", f"console/{template}.html", {"sections": SECTIONS, **context}, None, signed_in_as=ADA)
        for name, template, context in (
            (
                "enter",
                "enter",
                {"state": "ways", "ways": OFFICE_WAYS, "next": "/admin/people/", "error": "That did not let you in."},
            ),
            (
                "passcode",
                "enter",
                {
                    "state": "passcode",
                    "typed": ADA,
                    "reference": "KITE-27",
                    "sent_at": SENT,
                    "until": SENT,
                    "next": "/admin/people/",
                    "error": "That passcode is not right. Check the 8 digits and try again. You have 4 tries left.",
                    "bad_code": True,
                },
            ),
            (
                "again",
                "enter",
                {
                    "state": "ways",
                    "again": True,
                    "next": "/admin/people/",
                    "typed": ADA,
                    "demo": True,
                    "ways": {"password": False, "passkey": True, "passcode": True, "providers": []},
                },
            ),
            ("link", "enter", {"state": "link", "mailed": True, "other": True, "typed": "x@y.example"}),
            ("first", "first", {"named": True, "password": True, "password_error": "Use at least 12 characters."}),
            *trace_samples.OFFICE,
            *life_samples.OFFICE,
            ("people", "people", {"members": MEMBERS, "me": MEMBERS[0]["person"]}),
            ("person", "person", PERSON),
            (
                "you",
                "you",
                {
                    "keys": [(KEY, "Safari on iPhone")],
                    "password": True,
                    "app": {"confirmed_at": SENT},
                    "codes_left": 1,
                    "sessions": [(SESSION, True), (SESSION, False)],
                },
            ),
        )
    ),
]
BODY = Sample(
    "R8-body",
    "reading/body.html",
    {"html": for_both_themes(HTML), "subject": LETTER["subject"], "rights": Rights(), "both_themes": True},
)
BODY_WHITE = replace(BODY, name="R8-body-white", context={**BODY.context, "html": NEWSLETTER, "both_themes": False})
BODIES = (BODY, BODY_WHITE)
NOTICE = {
    "sender_name": "Dr Maya Lindqvist",
    "sender_address": "maya.lindqvist@aldervalley.example",
    "recipient": ADDRESS,
    "url": f"https://secure.aldervalley.example{LINK}",
    "host": "secure.aldervalley.example",
    "sent_at": SENT,
    "open_until": SENT + timedelta(days=30),
    "note": "",
    "asked": "You will be asked for a one-time passcode or to sign in with Google.",
    "reply": False,
}
FILE = {
    "origin": "",
    "fragment": "",
    "link": "1",
    "version": "1",
    "sealed": "TExBMQ" * 2000,
    "code": "8k2m-71qv-9c4d-p6tr-5w3x-0hzy-ab",
}
CODE = {
    "code": "28417306",
    "reference": "KITE-27",
    "until": SENT + timedelta(minutes=15),
    "minutes": 15,
    "host": "secure.aldervalley.example",
}
ALARM = {
    "over": False,
    "words": Words(
        "One network has asked Alder Valley Clinic for at least 200 passcode mails within an hour; no more are sent.",
        "Whoever comes from that network with a browser that never read here is asked to wait.",
        "If many of your recipients sit behind one network, raise LETTERLOCK_PASSCODES_PER_NETWORK.",
    ),
    "began_at": SENT,
    "ended_at": None,
    "url": "https://secure.aldervalley.example/admin/health/",
    "host": "secure.aldervalley.example",
}
REQUEST = {
    "asker": "anna.with.a.long.name@other.example",
    "recipient": ADDRESS,
    "sent_at": SENT,
    "note": f"It is me. {LONG}",
    "host": "secure.aldervalley.example",
}
ALERT = {
    "address": ADDRESS,
    "at": SENT,
    "settings_url": "/settings/",
    "host": "secure.aldervalley.example",
}
MONTHLY = {
    "month": "November 2026",
    "lines": [("Protected messages", "1,204"), ("Opened", "1,035 (86\u00a0%)"), ("Half of them within", "41 minutes")],
    "url": "https://secure.aldervalley.example/admin/reports/?from=2026-11-01&to=2026-11-30",
    "host": "secure.aldervalley.example",
}
MAILS = [
    *(Sample(name, f"mail/{template}.html", context) for name, template, context in life_samples.MAILS),
    *(Sample(name, f"mail/{template}.html", context) for name, template, context in rule_samples.MAILS),
    *(Sample(name, f"mail/{template}.html", context) for name, template, context in sent_samples.MAILS),
    Sample("M1", "mail/notice.html", NOTICE),
    Sample(
        "M1-reply-forever-note",
        "mail/notice.html",
        {**NOTICE, "reply": True, "open_until": None, "sender_name": "", "note": "About <b>Tuesday</b>"},
        brand=HARBOUR,
    ),
    Sample("M1-words", "mail/notice.html", {**NOTICE, **WORDED}),
    Sample("M2", "mail/notice.html", {**NOTICE, "attached": True}),
    Sample("M2-file", "mail/message.html", {**NOTICE, **FILE}),
    Sample("M3", "mail/passcode.html", CODE),
    Sample(
        "M10",
        "mail/note.html",
        {"written_at": SENT, "reference": "7c1f09e2", "url": f"https://localhost{LINK}", "host": "localhost"},
    ),
    Sample("M11", "mail/receipt.html", {**NOTICE, "reference": "5f0c9a31"}),
    Sample("M12", "mail/alert.html", {**ALERT, "passkey": True, "device": "Safari on iPhone"}),
    Sample("M13", "mail/alarm.html", ALARM),
    Sample("M13-over", "mail/alarm.html", {**ALARM, "over": True, "ended_at": SENT + timedelta(hours=3)}),
    Sample("S5", "mail/request.html", REQUEST),
    Sample("A13-mail", "mail/monthly.html", MONTHLY),
]
