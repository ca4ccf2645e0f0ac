"""Writing to the organisation of one's own accord: kept sealed until the address is proved, then sent like an answer.

Anyone can write anything here, so all is bounded by rows: how much one network begins in a day, how much lies here of
it and in all, and how much one proved address sends. The draft's key is derived from a cookie that its browser alone
holds: what was never proved opens in that browser, and nowhere else.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db.models import Min, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from branding.departments import Offered
from branding.models import Brand
from portal.access import budgets, cookies
from portal.access.budgets import Origin
from portal.audit.record import record
from portal.delivery import naming
from portal.ingest import spool
from portal.keys.service import keys
from portal.mime.addresses import Mailbox
from portal.mime.building import Heads, letter, new_message_id
from portal.mime.names import safe_file_name
from portal.vault import unsent
from portal.vault.errors import SealBroken
from portal.vault.models import Approach, Unsent
from portal.vault.unsent import Kept, Own, Words
from portal.writing import replying
from portal.writing.uploads import SealedUpload

log = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
PROOF = timedelta(minutes=15)
"""As long as a passcode works."""
MOST_OF_A_NETWORK = 60
"""Begun in a day from one IPv4 /24 or IPv6 /48 by people who have not proved their address yet."""
MOST_OF_AN_ADDRESS = 10
"""Sent in a day by one proved address."""
BYTES_OF_A_NETWORK = 256 * 1024 * 1024
BYTES_IN_ALL = 2 * 1024 * 1024 * 1024
"""Of the disk, not yet sent: who writes from eight networks fills it for a day, and answers still go their own way."""
_ONE_AT_A_TIME = b"approach"


class NoRoom(Exception):
    """A limit is reached; `until` is when there may be room again."""

    def __init__(self, until: datetime) -> None:
        super().__init__("a limit of what can be written to the organisation is reached")
        self.until = until


class SentAlready(Exception):
    """It went a moment ago, from another window."""


@dataclass(frozen=True)
class First:
    """What the form holds besides subject and text."""

    department: str = ""
    """Its short name."""
    address: str = ""
    name: str = ""

    def __repr__(self) -> str:
        return "First(…)"


@dataclass(frozen=True)
class Draft:
    """What this browser has written and not sent."""

    row: Approach
    own: Own
    words: Words
    files: Sequence[Kept]

    def __repr__(self) -> str:
        return f"Draft({self.row.pk})"

    @property
    def first(self) -> First:
        return First(*self.words.to)


def of_token(token: str, brand: Brand, now: datetime) -> Draft | None:
    """The draft of a cookie's token; None when there is none, it was sent, or a day old. A damaged one is deleted."""
    row = row_of(token, brand, now)
    if row is None or row.sent_at is not None or row.unsent is None:
        return None
    own = _own(token)
    try:
        return Draft(row, own, unsent.words_of(own, row.unsent), unsent.files_of(own, row.unsent))
    except SealBroken as error:
        log.error("a first message is damaged and was deleted: %s", type(error).__name__)
        drop(row)
        return None


def row_of(token: str, brand: Brand, now: datetime) -> Approach | None:
    """The row of a cookie's token, sent or not."""
    if not token:
        return None
    living = Approach.objects.select_related("unsent").filter(made_at__gt=now - LIFE)
    return living.filter(token=cookies.digest(token), brand=brand).first()


def keep(
    token: str, brand: Brand, origin: Origin, draft: Draft | None, words: Words, uploads: Sequence[SealedUpload]
) -> Draft:
    """The draft with these words and files; a new one where there is none yet.

    Raises:
        NoRoom: a limit is reached; nothing is kept that was not kept before.
        BlobsUnavailable, DatabaseError: not all of it is kept.
    """
    own, now = _own(token), timezone.now()
    # A character takes four bytes at most.
    longer = 4 * (len(words.text) - len(draft.words.text if draft else ""))
    new = longer + sum(upload.size or 0 for upload in uploads)
    row = _with_room(token, brand, origin, draft.row if draft else None, new, now)
    if row.unsent is None:
        row.unsent = unsent.begin_alone(own, words)
        Approach.objects.filter(pk=row.pk).update(unsent=row.unsent)
    else:
        unsent.rewrite(own, row.unsent, words)
    for upload in uploads:
        kind = upload.content_type or "application/octet-stream"
        name = safe_file_name(upload.name or "", kind)
        unsent.add_file(own, row.unsent, name, kind, upload.size or 0, upload.chunks())
    return Draft(row, own, words, unsent.files_of(own, row.unsent))


def remove_file(draft: Draft, file: UUID) -> None:
    """Take one file out; its room is free again."""
    found = next((kept for kept in draft.files if kept.id == file), None)
    if found is None or draft.row.unsent is None:
        return
    unsent.remove_file(draft.row.unsent, file)
    Approach.objects.filter(pk=draft.row.pk).update(size=max(0, draft.row.size - found.size))


def drop(row: Approach) -> None:
    """Delete what was written, as its writer asks; the row stays and counts."""
    if row.unsent is not None:
        unsent.drop(row.unsent)
    Approach.objects.filter(pk=row.pk).update(size=0, token=uuid4().bytes * 2)


def drop_of(token: str) -> None:
    """The same of whatever lies under a token, living or not; nothing where nothing does."""
    for row in Approach.objects.select_related("unsent").filter(token=cookies.digest(token)):
        drop(row)


def ask_for(draft: Draft, lookup: bytes) -> None:
    """Note the address that is to be proved; another proof than of that one sends nothing."""
    Approach.objects.filter(pk=draft.row.pk).update(asked=lookup)


def prove(draft: Draft, lookup: bytes) -> bool:
    """Note that this address was proved in this browser; False when the draft is meanwhile written by another."""
    waiting = Approach.objects.filter(pk=draft.row.pk, asked=lookup, sent_at=None)
    return bool(waiting.update(proved=_proof(draft, lookup), proved_at=timezone.now()))


def is_proved(draft: Draft, lookup: bytes) -> bool:
    """Whether it was so not long ago, and only sending failed: then it needs no second passcode."""
    row = draft.row
    if row.proved_at is None or timezone.now() - row.proved_at >= PROOF:
        return False
    return hmac.compare_digest(bytes(row.proved), _proof(draft, lookup))


def _proof(draft: Draft, lookup: bytes) -> bytes:
    """Keyed, and of this draft: whoever writes the database would else note that an address was proved that was not,
    and write in its name. Once it is sent the look-up itself stands there, to be counted by."""
    return keys().lookup("approach-proved", f"{draft.row.pk} {lookup.hex()}")


def send(draft: Draft, department: Offered, address: str, lookup: bytes) -> None:
    """Hand it to the door, once; durable then, as any mail that was answered 250. Call only after a proof of `address`.

    Raises:
        NoRoom: this address has sent enough for today.
        SentAlready: nothing was done.
        OSError, DatabaseError, IngestError, KeysError, VaultError: it was not taken, and the draft is as it was.
    """
    brand, now = draft.row.brand, timezone.now()
    author = Mailbox(naming.shown_name(Mailbox(draft.first.name, address)), address)
    answer = replying.Answer((), draft.words, draft.files)
    envelope = spool.Envelope(
        sender=address, recipients=department.addresses, source="reply", trusted=False, approach=brand.slug
    )
    heads = Heads(
        from_=author,
        # Not the mailboxes behind it: whoever writes reads their own copy (portal.delivery.replies).
        to=(Mailbox(department.name, naming.own_address(brand)),),
        subject=draft.words.subject or _("Message to {department}").format(department=department.name),
        date=timezone.localtime(now),
        message_id=new_message_id(brand.host),
    )
    mail = letter(heads, draft.words.text, draft.words.html, replying.attached(answer))
    writer = replying.spooled(envelope, answer, mail)
    try:
        with budgets.one_at_a_time(lookup):
            _check_day(lookup, now)
            waiting = Approach.objects.filter(pk=draft.row.pk, sent_at=None)
            if not waiting.update(sent_at=now, message=writer.id, proved=lookup, size=0):
                raise SentAlready
            writer.commit()
            if draft.row.unsent is not None:
                unsent.drop(draft.row.unsent)
            record(
                "message.written",
                message=writer.id,
                brand=brand.slug,
                department=department.slug,
                files=len(draft.files),
            )
    except BaseException:
        writer.discard()
        raise


def sweep(now: datetime) -> int:
    """Delete what is a day old, written or sent; how many. Safe at any time and twice."""
    old = Approach.objects.filter(made_at__lte=now - LIFE)
    unsent.drop_of(Unsent.objects.filter(approach__in=old))
    return int(old.delete()[0])


def _own(token: str) -> Own:
    """The key that a cookie's token makes; what is stored of the token is a digest that gives no key."""
    return Own(HKDF(SHA256(), 32, None, b"letterlock/v1/approach").derive(token.encode()))


def _with_room(token: str, brand: Brand, origin: Origin, row: Approach | None, new: int, now: datetime) -> Approach:
    """A row that so many more bytes count for, before any of them is stored: of many at once each sees the others."""
    network = origin.around or origin.network
    with budgets.one_at_a_time(_ONE_AT_A_TIME):
        unproved = Approach.objects.filter(made_at__gt=now - LIFE)
        if network:
            theirs = unproved.filter(network=network)
            if row is None and theirs.count() >= MOST_OF_A_NETWORK:
                raise NoRoom(_next(theirs, now))
            if _bytes(theirs) + new > BYTES_OF_A_NETWORK:
                raise NoRoom(_next(theirs, now))
        if _bytes(unproved) + new > BYTES_IN_ALL:
            raise NoRoom(_next(unproved, now))
        if row is None:
            return Approach.objects.create(
                id=uuid4(), brand=brand, token=cookies.digest(token), network=network, size=new, made_at=now
            )
        row.size = max(0, row.size + new)
        Approach.objects.filter(pk=row.pk).update(size=row.size)
        return row


def _check_day(lookup: bytes, now: datetime) -> None:
    sent = Approach.objects.filter(proved=lookup, sent_at__gt=now - LIFE)
    if sent.count() >= MOST_OF_AN_ADDRESS:
        first = sent.aggregate(first=Min("sent_at"))["first"]
        raise NoRoom(first + LIFE)


def _bytes(rows: QuerySet[Approach]) -> int:
    return rows.aggregate(bytes=Sum("size"))["bytes"] or 0


def _next(rows: QuerySet[Approach], now: datetime) -> datetime:
    """When the first of them goes."""
    first: datetime | None = rows.aggregate(first=Min("made_at"))["first"]
    return first + LIFE if first else now + LIFE
