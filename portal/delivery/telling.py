"""Telling a sender that a mail of theirs waits or did not arrive: in plain words, or as RFC 3464 for relayed mail.

What is sent here has no envelope sender and says that a machine wrote it, and nothing is ever told about it: so no two
machines can go on telling each other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import languages
from branding.models import Brand
from portal.audit.record import record
from portal.delivery import naming, refusing
from portal.delivery.dressing import dressed
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, dsn_of, enqueue, only_to, reader_of, sender_of
from portal.keys.errors import KeyDestroyed, WrapRefused
from portal.mime.addresses import Mailbox, clean_name, normalise
from portal.mime.building import Heads
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import Envelope, envelope_of

log = logging.getLogger(__name__)

LONGEST_SUBJECT = 200
K, N = Outbound.Kind, Outbound.News
_STATUS = re.compile(r"(?:\d{3} )?([245])\.(\d{1,3})\.(\d{1,3})")


def _nowhere(_message: Message, _address: str) -> str:
    return ""


_page: Callable[[Message, str], str] = _nowhere


def register_page(page: Callable[[Message, str], str]) -> None:
    """Name who knows the page of a message for its sender, in AppConfig.ready(): that is in a room above."""
    global _page
    _page = page


def page_of(message: Message, sender: str) -> str:
    """The address of a message's page for its sender; "" where there is none for them."""
    return _page(message, sender)


@dataclass(frozen=True)
class Words:
    """Why a mail did not arrive, and one thing that can be done."""

    reason: str
    step: str


def failed(row: Outbound) -> None:
    """Tell the sender, once, that this mail will not arrive; in the caller's transaction."""
    _tell(row, N.FAILED)


def delayed(row: Outbound) -> None:
    """Tell the sender, once, that this mail waits."""
    _tell(row, N.DELAYED)


def relayed(row: Outbound) -> None:
    """Report, when it was asked, that the mail went on to a server that tells nothing more (RFC 3461 section 5.2.2)."""
    dsn = dsn_of(row) if row.kind == K.RELAY else None
    if dsn and "SUCCESS" in dsn.notify.split(",") and (sender := sender_of(row)):
        enqueue(K.REPORT, address=sender, message=row.message, subject_row=row.id, news=N.RELAYED)


def _tell(row: Outbound, news: Outbound.News) -> None:
    if row.kind not in (K.NOTICE, K.REPLY, K.RELAY) or not _first_time(row, news):
        return
    try:
        _ask_for_word(row, news)
    except (WrapRefused, KeyDestroyed) as error:
        # Who wrote it can never be read again. Raised, it would undo what is noted of this mail, over and over, and
        # keep every mail behind it from being told of.
        log.error("nobody can be told of mail %s: %s", row.id, error)


def _ask_for_word(row: Outbound, news: Outbound.News) -> None:
    if row.kind == K.RELAY:
        if (sender := sender_of(row)) and _is_wanted(row, news):
            enqueue(K.REPORT, address=sender, message=row.message, subject_row=row.id, news=news)
        return
    reader = reader_of(row)
    if reader is None or reader.role == Reader.Role.AUTHOR:  # a receipt's: who is to be told is who it did not reach
        return
    sender = envelope_of(reader.message).sender_address
    try:
        normalise(sender)
    except BadAddress:
        return
    enqueue(K.TELLING, address=sender, message=row.message, reader=reader, subject_row=row.id, news=news)


def _first_time(row: Outbound, news: Outbound.News) -> bool:
    column = "told_failure_at" if news == N.FAILED else "told_delay_at"
    free = Outbound.objects.filter(pk=row.pk, told_failure_at=None).filter(**{column: None})
    return bool(free.update(**{column: timezone.now()}))


def _is_wanted(row: Outbound, news: Outbound.News) -> bool:
    """What NOTIFY asks for; without it a failure is told, and a delay may be (RFC 3461 section 4.1)."""
    dsn = dsn_of(row)
    if dsn is None or not dsn.notify:
        return True
    return ("FAILURE" if news == N.FAILED else "DELAY") in dsn.notify.split(",")


# ------------------------------------------------------------------------------------------------ in plain words


def build(outbound: Outbound) -> Prepared | None:
    """The mail to the sender (a TELLING); None when what it speaks of is gone, or arrived meanwhile after all."""
    subject_row = Outbound.objects.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    reader = reader_of(outbound)
    if subject_row is None or reader is None or _is_outdated(outbound, subject_row):
        return None
    brand, envelope, sender = reader.message.brand, envelope_of(reader.message), address_of(outbound)
    only_to(outbound, envelope.sender_address)
    # Whoever wrote to a department never learns which mailboxes are behind it.
    recipient = brand.name if reader.message.is_approach else address_of(subject_row)
    status = subject_row.heard or subject_row.last_answer
    waits = outbound.news == N.DELAYED
    with translation.override(languages.of_brand(brand)):
        words = explained(status, timezone.now() - subject_row.made_at)
        context = {
            "brand": brand,
            "recipient": recipient,
            "reason": words.reason,
            "step": words.step,
            "status": status,
            "waits": waits,
            "url": "" if reader.message.is_approach else _page(reader.message, sender),
            "host": brand.host,
        }
        return word(
            outbound, brand, Mailbox(envelope.sender_name, sender), _subject(brand, envelope, recipient, waits),
            "undelivered", context, thread=naming.thread(envelope.references, envelope.message_id),
        )  # fmt: skip


def _is_outdated(outbound: Outbound, subject_row: Outbound) -> bool:
    return outbound.news == N.DELAYED and (
        subject_row.state in (Outbound.State.SENT, Outbound.State.DROPPED) and subject_row.news != N.DELAYED
    )


def _subject(brand: Brand, envelope: Envelope, recipient: str, waits: bool) -> str:
    shown = clean_name(envelope.subject)[:LONGEST_SUBJECT] if brand.show_subject else ""
    about = shown or _("protected message to {recipient}").format(recipient=recipient)
    return (_("Not delivered yet: {about}") if waits else _("Not delivered: {about}")).format(about=about)


def word(
    outbound: Outbound,
    brand: Brand,
    to: Mailbox,
    subject: str,
    template: str,
    context: dict[str, object],
    thread: tuple[str, tuple[str, ...]] = ("", ()),
) -> Prepared:
    """A mail to a sender, from the two templates of one name; `thread` is its In-Reply-To and References."""
    heads = Heads(
        from_=Mailbox(brand.name, naming.own_address(brand)),
        to=(Mailbox(naming.shown_name(to), to.address),),
        subject=subject,
        date=timezone.localtime(outbound.made_at),
        message_id=f"<{outbound.id}@{brand.host}>",
        in_reply_to=thread[0],
        references=thread[1],
        extra=(
            ("X-Letterlock", template),
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
        ),
    )
    # The null sender: what bounces of it goes nowhere, so it can never loop (RFC 5321 section 4.5.5).
    return Prepared.whole("", to.address, dressed(template, brand, context).mail(heads))


def explained(status: str, waited: timedelta) -> Words:
    """An answer's codes (RFC 3463) in plain words; `waited` is the time since the mail was written."""
    if status == refusing.SUPPRESSED:
        return Words(
            _("An administrator here has stopped mail to this address, because earlier mail came back"),
            _("Check the address with the recipient, then ask your IT department to let mail to it go again."),
        )
    found = _STATUS.search(status)
    kind = f"{found.group(2)}.{found.group(3)}" if found else ""
    if kind in ("1.2", "1.10", "4.4") and status.startswith("5"):
        return Words(
            _("The part of the address behind the @ takes no mail"),
            _("Check the address, and send the message again to the right one."),
        )
    if kind in ("1.1", "1.3", "1.6"):
        return Words(
            _("The address does not exist"), _("Check the address, and send the message again to the right one.")
        )
    if kind == "2.2":
        return Words(
            _("The mailbox is full"),
            _("Tell the recipient by another way; when there is room, send the message again."),
        )
    if status.startswith("TLS") or kind == "7.10":
        return Words(
            _("Their mail server could not be reached over a protected connection, and one is asked for here"),
            _("Send this note to your IT department: they know whom to ask on the other side."),
        )
    if status[:1] == "5":
        return Words(
            _("The recipient’s mail server refused it"),
            _("Ask the recipient whether their mail server blocks mail from you, or use another address."),
        )
    return Words(
        _("Their server did not answer for {time}").format(time=_span(waited)),
        _("Wait a day and send the message again, or use another address."),
    )


def _span(waited: timedelta) -> str:
    hours = max(1, int(waited.total_seconds() // 3600))
    return translation.ngettext("{n} hour", "{n} hours", hours).format(n=hours)


def note_heard(row: Outbound, news: str, status: str) -> None:
    """A bounce or report came for a mail that had left: kept, recorded and told; in the caller's transaction."""
    # Only what is graver than before is news: whoever holds a notice could fill the record with delays of it.
    rank = {"": 0, N.EXPANDED: 1, N.RELAYED: 1, N.DELAYED: 2, N.DELIVERED: 3, N.FAILED: 4}
    if rank[news] <= rank[row.news]:
        return
    Outbound.objects.filter(pk=row.pk).update(news=news, heard=status[:16])
    row.news, row.heard = news, status[:16]
    facts: dict[str, str | int | bool] = {"answer": status, "mail": row.kind, "reported": True}
    if news == N.FAILED:
        record("wrapper.bounced", message=row.message, reader=row.reader_id, **facts)
        failed(row)
        refusing.note(row, status)
    elif news == N.DELAYED:
        record("wrapper.deferred", message=row.message, reader=row.reader_id, **facts)
        delayed(row)
