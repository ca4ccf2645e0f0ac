"""Reports to the senders of relayed mail in the form that mail programs read (RFC 3461 section 6, RFC 3464)."""

from __future__ import annotations

import re
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext_noop

from branding import choosing, languages
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared, prepare
from portal.delivery.models import Outbound
from portal.delivery.outcomes import GIVE_UP_AFTER
from portal.delivery.queue import address_of, dsn_of, only_to, sender_of
from portal.keys.errors import KeysError
from portal.mime.fields import header_end

N, _SENT = Outbound.News, Outbound.State.SENT
_MOST_HEADER_BYTES = 64 * 1024
_ENHANCED = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_SUBJECT = {
    N.FAILED: gettext_noop("Not delivered"),
    N.DELAYED: gettext_noop("Not delivered yet"),
    N.RELAYED: gettext_noop("Passed on"),
}


def build(outbound: Outbound) -> Prepared | None:
    """The report; None when the mail it speaks of is gone, or left after all before its delay was told."""
    row = Outbound.objects.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    if row is None or row.kind != Outbound.Kind.RELAY or (outbound.news == N.DELAYED and row.state == _SENT):
        return None
    only_to(outbound, sender_of(row))
    brand, sender, recipient = choosing.default(), address_of(outbound), address_of(row)
    host = settings.LETTERLOCK.public_host or brand.host
    mail = MIMEMultipart("report")
    mail.set_param("report-type", "delivery-status")
    with translation.override(languages.of_brand(brand)):
        words = telling.explained(row.last_answer, timezone.now() - row.made_at)
        context = {"recipient": recipient, "news": outbound.news, "status": row.last_answer, "host": host}
        text = render_to_string("mail/report.txt", context | {"reason": words.reason, "step": words.step})
        mail["Subject"] = translation.gettext(_SUBJECT[N(outbound.news)])
    mail["From"] = f"Mail Delivery System <{naming.own_address(brand)}>"
    mail["To"] = sender
    mail["Date"] = format_datetime(outbound.made_at)
    mail["Message-ID"] = f"<{outbound.id}@{brand.host}>"
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Letterlock"] = "report"
    mail.attach(MIMEText(text, "plain", "utf-8"))
    mail.attach(_status_part(outbound, row, recipient, host))
    if header := _original_header(row):
        part = MIMEBase("text", "rfc822-headers")
        part.set_payload(header.decode("ascii", "replace").replace("\ufffd", "?"))
        mail.attach(part)
    return Prepared.whole("", sender, mail.as_bytes(policy=SMTP))


def _status_part(outbound: Outbound, row: Outbound, recipient: str, host: str) -> MIMEBase:
    dsn = dsn_of(row)
    about_mail, about_recipient = Message(), Message()
    about_mail["Reporting-MTA"] = f"dns; {host}"
    if dsn and dsn.envelope_id:
        about_mail["Original-Envelope-Id"] = _from_xtext(dsn.envelope_id)
    about_mail["Arrival-Date"] = format_datetime(row.made_at)
    if dsn and dsn.original_recipient:
        kind, _, value = dsn.original_recipient.partition(";")
        about_recipient["Original-Recipient"] = f"{kind}; {_from_xtext(value)}"
    about_recipient["Final-Recipient"] = _typed(recipient)
    about_recipient["Action"] = outbound.news
    about_recipient["Status"] = _status(row.last_answer, outbound.news)
    if row.last_answer[:3].isdecimal():
        about_recipient["Diagnostic-Code"] = f"smtp; {row.last_answer}"
    if outbound.news == N.DELAYED:
        about_recipient["Will-Retry-Until"] = format_datetime(row.made_at + GIVE_UP_AFTER)
    part = MIMEBase("message", "delivery-status")
    part.set_payload([about_mail, about_recipient])
    return part


def _status(answer: str, news: str) -> str:
    """The status of a report (RFC 3463), its class as the action asks; by default what the codes without one mean."""
    found = _ENHANCED.search(answer)
    class_ = {N.FAILED: "5", N.DELAYED: "4"}.get(N(news), "2")
    if found:
        return f"{class_}.{found[1]}"
    if answer.startswith("TLS"):
        return f"{class_}.7.10"
    if news == N.FAILED and not answer.startswith("5"):
        return "5.4.7"
    return f"{class_}.4.1" if news == N.DELAYED else f"{class_}.0.0"


def _typed(address: str) -> str:
    """An address with its type (RFC 3464 section 2.3.2), in the ASCII form of RFC 6533 section 3 where it needs one."""
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + "".join(c if c.isascii() and c not in "\\+=" else f"\\x{{{ord(c):X}}}" for c in address)


def _from_xtext(text: str) -> str:
    """RFC 3461 section 4; what would end the line stays as it was written."""
    return _XTEXT.sub(lambda match: chr(code) if 32 <= (code := int(match[1], 16)) < 127 else match[0], text)


def _original_header(row: Outbound) -> bytes:
    """The header of the mail, while it is there; never its text, which belongs to nobody on the way back."""
    try:
        original = prepare(row)
        held = b""
        for piece in original.data if original else ():
            held += piece
            end, body = header_end(held)
            if end != body or len(held) > _MOST_HEADER_BYTES:
                return held[: min(end, _MOST_HEADER_BYTES)]
    except KeysError:
        raise
    except Exception:  # gone by now, or unreadable: the report is as true without it
        return b""
    return b""
