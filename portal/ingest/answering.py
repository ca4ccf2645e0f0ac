"""Which protected message a mail answers, by where it was written or the Message-IDs it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from portal.delivery.models import Outbound
from portal.ingest import spool
from portal.mime.reading import Letter
from portal.vault import sealing
from portal.vault.models import Message

_OWN_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^\s<>@]+>?")
_TELLING_OF_MESSAGES = (Outbound.Kind.NOTICE, Outbound.Kind.REPLY, Outbound.Kind.NOTE)


def answered(mails: Sequence[tuple[Letter, spool.Envelope]]) -> list[Message | None]:
    """For each mail the protected message it answers: the one it was written to here, or by the Message-IDs it names
    (RFC 5322 section 3.6.4). Two statements for all, which cost more than all else that is done to seal one."""
    named = [[] if envelope.thread else _named(letter) for letter, envelope in mails]
    own = [[] if envelope.thread else _own_ids(letter) for letter, envelope in mails]
    known = _known([lookup for lookups in named for lookup in lookups])
    ours = _ours([mail_id for ids_ in own for mail_id in ids_])
    ids = [
        envelope.thread
        or next((known[lookup] for lookup in lookups if lookup in known), None)
        or next((ours[mail_id] for mail_id in own_ if mail_id in ours), None)
        for (_, envelope), lookups, own_ in zip(mails, named, own, strict=True)
    ]
    wanted = {id_ for id_ in ids if id_}
    # A container may have 256 KiB, and nothing of it is needed here.
    found = Message.objects.select_related("brand").defer("container").in_bulk(wanted) if wanted else {}
    return [found.get(id_) if id_ else None for id_ in ids]


def _named(letter: Letter) -> list[bytes]:
    """Look-ups of the Message-IDs that a mail names, the nearest first."""
    return [lookup for identifier in _identifiers(letter) if (lookup := sealing.mail_id_lookup(identifier))]


def _identifiers(letter: Letter) -> list[str]:
    named = [identifier for identifier in (letter.in_reply_to, *reversed(letter.references)) if identifier][:50]
    return list(dict.fromkeys(named))


def _own_ids(letter: Letter) -> list[UUID]:
    """Of those, what may be mails that left here: a notice's Message-ID is the id of its row, random as a key is."""
    return [UUID(found[1]) for identifier in _identifiers(letter) if (found := _OWN_ID.fullmatch(identifier.strip()))]


def _ours(mail_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The messages that such mails told of: whoever answers a notice by ordinary mail may be answered in turn."""
    if not mail_ids:
        return {}
    told = Outbound.objects.filter(pk__in=set(mail_ids), kind__in=_TELLING_OF_MESSAGES, message__isnull=False)
    return {pk: message for pk, message in told.values_list("pk", "message") if message}


def _known(lookups: Sequence[bytes]) -> dict[bytes, UUID]:
    if not lookups:
        return {}
    rows = Message.objects.filter(mail_id_lookup__in=set(lookups)).values_list("mail_id_lookup", "pk")
    return {bytes(lookup): pk for lookup, pk in rows}
