"""A message that nobody sent, as the real templates of mail, sign-in and reading would show it under a brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from branding import choosing
from branding.models import Brand
from portal.access import ways
from portal.access.places import EnvelopeShown
from portal.access.requests import Request
from portal.delivery.asking import AsksFor
from portal.delivery.dressing import Dressed, dressed_for_reader
from portal.mime.addresses import mask, spoken_mask
from portal.vault import sealing, templates
from portal.vault.errors import TemplateUnknown
from portal.vault.rights import GRANTS, Rights
from portal.vault.toc import Voucher

SENDER = "Tove Holm"
READER = "sam.reader@post.example"
LINK = "0123456789abcdefghjkmn"
"""Of the form of a link, and nobody's."""


def sender_address(brand: Brand) -> str:
    return f"tove.holm@{(brand.domains or ['example.org'])[0]}"


def closes(brand: Brand) -> datetime | None:
    """When a message that is sent now would close; None for never."""
    last = brand.last_day(timezone.localdate())
    return sealing.end_of_day(last) if last else None


def notice(
    brand: Brand,
    recipient: str = READER,
    path: str = f"/m/{LINK}",
    other: Mapping[str, object] = MappingProxyType({}),
) -> Dressed:
    """The mail that tells of the message, in the language that is spoken; `other` takes the place of the sample's."""
    origin, until = choosing.origin(brand), closes(brand)
    context: dict[str, object] = {
        "brand": brand,
        "sender_name": SENDER,
        "sender_address": sender_address(brand),
        "recipient": recipient,
        "url": f"{origin}{path}",
        "attached": brand.delivery == "attachment",
        "origin": origin,
        "code": "",
        "host": origin.partition("://")[2],
        "sent_at": timezone.now(),
        "open_until": until,
        "note": "",
        "asked": asked(brand),
        "reply": False,
        **other,
    }
    called = str(context["sender_name"] or context["sender_address"])
    return dressed_for_reader("notice", brand, context, called, cast(datetime | None, context["open_until"]))


def sign_in(request: Request, brand: Brand) -> dict[str, Any]:
    """The context of access/choose.html."""
    rows = ways.offered(brand)
    found = ways.of_providers(request, rows, f"/m/{LINK}", lambda row: reverse("sign-in", args=[LINK, row.slug]))
    return {
        "envelope": EnvelopeShown(SENDER, sender_address(brand), timezone.now(), brand.last_day(timezone.localdate())),
        "host": choosing.origin(brand).partition("://")[2],
        "masked": mask(READER),
        "spoken": spoken_mask(READER),
        "ways": replace(found, passcode=ways.passcode_is_offered(brand, rows)),
        "ask_url": "",
        "note": "",
        "passkey_url": "",
        "passkey_first": False,
    }


def _rights(brand: Brand) -> Rights:
    """What its messages grant where nobody says otherwise; nothing where its template is gone."""
    try:
        return templates.resolve(brand, timezone.localdate()).rights
    except TemplateUnknown:
        return Rights(**dict.fromkeys(GRANTS, False))


def reading(brand: Brand) -> dict[str, Any]:
    """The context of reading/message.html."""
    rights, link = _rights(brand), f"/m/{LINK}"
    return {
        "link": LINK,
        "letter": {
            "subject": "Draft agreement for review",
            "sender_name": SENDER,
            "sender_address": sender_address(brand),
            "address_first": "",
            "initials": "TH",
            "others": (),
            "to": (READER,),
            "cc": (),
            "sent_at": timezone.now(),
            "vouched": Voucher("own"),
        },
        "mine": False,
        "rights": rights,
        "open_until": closes(brand),
        "days_left": brand.open_days,
        "closing_soon": False,
        "text_html": "<p>Dear Sam,</p><p>Here is the agreement as we discussed it on Tuesday. Please tell me by Friday "
        "what you would like to have changed.</p><p>Kind regards,<br>Tove</p>",
        "has_html": False,
        "readable": True,
        "remote_pictures": 1 if brand.pictures == "ask" else 0,
        "pictures_url": f"{link}/pictures",
        "files": [
            {
                "name": "Agreement.pdf",
                "kind": "PDF",
                "description": "PDF, 412 KB",
                "url": f"{link}/file/1" if rights.download else "",
                "preview_url": f"{link}/file/1/preview",
            }
        ],
        "files_size": "412 KB",
        "reply_url": f"{link}/reply" if rights.reply else "",
        "forward_url": f"{link}/forward" if rights.forward and brand.forward_domains != [] else "",
        "address": READER,
        "short_id": LINK[:8],
        "inbox_url": "/inbox/" if brand.session_scope == "brand" else "",
    }


def asked(brand: Brand) -> str:
    """What the notice says it will ask for."""
    rows = ways.offered(brand)
    return AsksFor(passcode=ways.passcode_is_offered(brand, rows), provider="").sentence


def marked_subject(subject: str) -> str:
    """A test is called one, so that nobody takes it for a message."""
    return _("Test: {subject}").format(subject=subject)
