"""Changing what readers may do with a message after it was sent: at once, for one of them or for all."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

from portal.audit.record import record
from portal.keys.errors import KeyDestroyed, KeysError
from portal.lifecycle.actors import COMMAND, Actor, Why
from portal.lifecycle.errors import AlreadyDestroyed, NothingToChange, TemplateForbids, UnknownMessage
from portal.lifecycle.rows import locked, locked_reader
from portal.vault import templates
from portal.vault.destroying import destroy_left_now
from portal.vault.errors import SealBroken, VaultError
from portal.vault.models import Message, Reader
from portal.vault.narrowing import narrow
from portal.vault.readers import rights_of
from portal.vault.rights import Rights
from portal.vault.templates import NAMES
from portal.vault.wrapping import bind_again

log = logging.getLogger(__name__)

_SOME = 500
"""Rows that one statement names."""


def change_rights(
    message: UUID,
    changes: Mapping[str, bool],
    *,
    address: str = "",
    readers: Collection[UUID] | None = None,
    by: Actor = COMMAND,
    why: Why | None = None,
) -> int:
    """Grant or refuse rights by their names in portal.vault.templates.NAMES; the others stay as they are.

    For the reader with that address, for some by their rows, or for all: each has what they had, with these changed.
    It counts from the next request on, and a running download stops. What narrows wraps keys under other leaves and
    destroys the old ones, so that no older copy of a row gives anything back. What was sealed under a template is never
    given more than that grants. What somebody has downloaded, printed or forwarded before stays with them. Returns for
    how many it changed.

    Raises:
        UnknownMessage, AlreadyDestroyed, NothingToChange, TemplateForbids; SealBroken and key errors. Nothing has
        changed then.
    """
    unknown = changes.keys() - set(NAMES)
    if unknown:
        raise ValueError(f"no such right: {min(unknown)}")
    with transaction.atomic():
        row = locked(message)
        limit = _limit(row)
        if address:
            changed = _change([_of(row, locked_reader(message, address))], changes, limit)
        elif readers is not None:
            changed = _change(_some(row, readers), changes, limit)
        else:
            changed = _change(_everyone(row), changes, limit)
            # What the message itself says is for whoever has no rights of their own, now and later.
            whole = _changed(Rights.decode(bytes(row.rights)), changes, limit).encode()
            Reader.objects.filter(message=row, rights=whole).update(rights=None)
            Message.objects.filter(pk=row.pk).update(rights=whole)
        if not changed:
            raise NothingToChange
        facts: dict[str, str | int] = {
            "granted": _names(changes, yes=True),
            "refused": _names(changes, yes=False),
            "readers": len(changed),
        }
        one = changed[0].id if len(changed) == 1 else None
        record("message.rights_changed", message=message, reader=one, **facts, **by.facts(why))
        # Never before all of this is committed: the old wraps would be there again, and nothing would open them.
        transaction.on_commit(partial(_finish, message), robust=True)
    return len(changed)


def _of(message: Message, reader: Reader) -> Reader:
    reader.message = message
    return reader


def _everyone(message: Message) -> list[Reader]:
    found = list(message.readers.select_for_update().filter(destroying_at=None).order_by("number"))
    if not found:
        raise AlreadyDestroyed
    return [_of(message, reader) for reader in found]


def _some(message: Message, readers: Collection[UUID]) -> list[Reader]:
    found = [reader for reader in _everyone(message) if reader.pk in readers]
    if len(found) < len(set(readers)):
        raise UnknownMessage
    return found


def _change(readers: list[Reader], changes: Mapping[str, bool], limit: Rights | None) -> list[Reader]:
    """Bind what they hold to their new rights, which are stored with each of them; those for whom any changed."""
    changed, narrowed = [], []
    stored: dict[bytes, list[UUID]] = {}
    for reader in readers:
        before = rights_of(reader)
        after = _changed(before, changes, limit)
        now = bytes(reader.message.rights if reader.rights is None else reader.rights)
        if after != before:
            now = after.encode()
            changed.append(reader)
            if before.within(after) != before:
                narrowed.append((reader, now))
            else:
                bind_again(reader.message, reader, now)
        stored.setdefault(now, []).append(reader.pk)
    if narrowed:
        try:
            narrow(narrowed[0][0].message, narrowed)
        except KeyDestroyed:
            raise AlreadyDestroyed from None
    for now, some in stored.items():
        for start in range(0, len(some), _SOME):
            Reader.objects.filter(pk__in=some[start : start + _SOME]).update(rights=now)
    return changed


def _finish(message: UUID) -> None:
    """Destroy what an older copy of a row could be put back with; where that cannot be now, the next round does."""
    try:
        destroy_left_now(message)
    except (KeysError, VaultError) as error:
        log.error("leaves of message %s wait to be destroyed: %s", message, type(error).__name__)


def _changed(before: Rights, changes: Mapping[str, bool], limit: Rights | None) -> Rights:
    after = before.changed(changes)
    # Compared with what was there as well: a template that was made stricter since takes nothing from what was sent.
    if limit is not None and after.within(limit) != after and after.within(before) != after:
        raise TemplateForbids
    return after


def _limit(message: Message) -> Rights | None:
    """What the template grants that it was sealed under; without a trace of that, no more than it has."""
    if not message.template:
        return None
    row = templates.find(message.template)
    return templates.rights_of(row) if row else Rights.decode(bytes(message.rights))


def _names(changes: Mapping[str, bool], *, yes: bool) -> str:
    return ",".join(name for name in NAMES if changes.get(name) is yes)


@dataclass(frozen=True)
class Told:
    """What everyone may do, the template that limits it ("" for none), and for how many readers it is otherwise."""

    rights: Rights
    template: str
    others: int


def told(message: UUID) -> Told | None:
    """How the rights of a message stand; None when it is not known, or its row is damaged."""
    row = Message.objects.defer("container").filter(pk=message).first()
    try:
        rights = Rights.decode(bytes(row.rights)) if row else None
    except SealBroken:
        return None
    if row is None or rights is None:
        return None
    found = templates.find(row.template) if row.template else None
    others = row.readers.exclude(rights=None).count()
    return Told(rights, templates.name_of(found) if found else row.template, others)
