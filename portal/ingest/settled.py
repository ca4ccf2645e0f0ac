"""What was settled of received mails, written: states, messages, notices and the record, all or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit.record import Event, record, record_each
from portal.delivery.queue import Asked, enqueue_all
from portal.ingest import incidents, ordering, spool, states
from portal.ingest.models import Spooled
from portal.ingest.settling import Ready
from portal.mime.addresses import domain_of
from portal.rules import counting
from portal.vault import sealing
from portal.vault.models import Message, Reader

LOOK_AGAIN = timedelta(seconds=3)
"""How often a relayed mail is looked at, until it has left for everyone."""
_HOST = re.compile(r"(?=.{1,100}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*")


def write(group: Sequence[Ready]) -> None:
    """The states, messages, wraps, notices and the record of a group, all or none."""
    protected, relayed = _of(group, "protect"), _of(group, "relay")
    before = {one.row.pk: one.row.state for one in group}
    try:
        with transaction.atomic():
            if protected:
                states.move_all([one.row for one in protected], "seal")
            if relayed:
                states.move_all([one.row for one in relayed], "relay")
            record_each(event for one in group for event in _events(one))
            _protect(protected)
            _relay(relayed)
            _refuse(_of(group, "refuse"))
            _hold(_of(group, "hold"))
            _delete(_of(group, "drop"))
            for one in group:
                incidents.commit(one.row.pk, one.incidents)
            enqueue_all([one.tip for one in group if one.tip is not None])
            counting.note([(one.decision, one.seen) for one in group if one.seen is not None])
    except BaseException:
        for one in group:
            one.row.state = before[one.row.pk]
        raise


def _of(group: Sequence[Ready], action: str) -> list[Ready]:
    return [one for one in group if one.action == action]


def _events(one: Ready) -> Iterator[Event]:
    """That it was decided on and by which rules; and what those would have done that are only logged."""
    facts: dict[str, str | int | bool | None] = {"action": one.action, "rule": one.decision.rule, "size": one.row.size}
    did = [rule for rule in one.decision.matched if not rule.only_logged]
    if one.decision.version:
        facts["version"] = one.decision.version
    if did:
        facts["why"] = ", ".join(dict.fromkeys(kind for rule in did for kind in rule.kinds))[:200]
        facts |= {"rules": len(did)} if len(did) > 1 else {}
        facts |= {"unsure": True} if any(rule.unsure for rule in did) else {}
    if one.decision.severity:
        facts["severity"] = one.decision.severity
    if one.decision.lacks_manager:
        facts["no_manager"] = True
    if one.decision.tags:
        facts["tags"] = ", ".join(one.decision.tags)[:200]
    yield Event("message.accepted", one.row.pk, facts={**facts, **_came(one.envelope)})
    for name in one.decision.overridden:
        by: dict[str, str | int] = {"rule": name, "how": one.decision.override, "version": one.decision.version}
        yield Event("rule.overridden", one.row.pk, facts=by)
    for rule in one.decision.matched:
        if rule.only_logged:
            told: dict[str, str | int] = {"rule": rule.name, "action": rule.action, "version": one.decision.version}
            yield Event("rule.would_match", one.row.pk, facts={**told, "why": ", ".join(rule.kinds)[:200]})


def _refuse(group: Sequence[Ready]) -> None:
    for one in group:
        states.move(one.row, "reject")
        record("message.refused", message=one.row.pk, told=one.tip is not None, rule=one.decision.rule)


def _delete(group: Sequence[Ready]) -> None:
    for one in group:
        states.move(one.row, "delete", last_error=f"Deleted by the rule “{one.decision.rule}”."[:240])
        record("message.dropped", message=one.row.pk, rule=one.decision.rule, version=one.decision.version)


def _hold(group: Sequence[Ready]) -> None:
    for one in group:
        whom = "somebody whom it names or an administrator" if one.decision.approvers else "an administrator"
        said = f"The rule “{one.decision.rule}” holds it until {whom} approves it."
        held: dict[str, Any] = {"held_at": timezone.now(), "last_error": said[:240], "approval": Spooled.Approval.ASKED}
        states.move(one.row, "hold", **held)
        record("message.held", message=one.row.pk, reason=said[:240])


def _came(envelope: spool.Envelope) -> dict[str, str]:
    """How it came in. A stranger's server calls itself what it likes, so only a known one's name is kept."""
    host = envelope.hello.lower() if envelope.proof and _HOST.fullmatch(envelope.hello) else ""
    found = {"source": envelope.source, "host": host, "tls": envelope.tls, "proof": envelope.proof}
    return {name: value for name, value in found.items() if value}


def _protect(group: Sequence[Ready]) -> None:
    drafts = [(one.draft, one.sealed) for one in group if one.draft is not None and one.sealed is not None]
    if not drafts:
        return
    made = sealing.commit_all(drafts)
    asked = []
    for one, (draft, sealed), (message, readers) in zip(group, drafts, made, strict=True):
        for (address, role), reader in zip(draft.readers, readers, strict=True):
            # Who wrote here first has no other way to what they wrote, and to the answer (portal.delivery.receipts).
            if role == Reader.Role.RECIPIENT or one.envelope.approach:
                asked.append(_told(message, reader, address, sealed.share_of(reader), one.row.bulk))
            elif draft.direction == Message.Direction.IN and draft.brand.reply_notes:
                asked.append(Asked("note", address, message.id, reader))
    enqueue_all(asked)


def _told(message: Message, reader: Reader, address: str, share: bytes, bulk: bool) -> Asked:
    """A notice to whoever reads here; an answer for our own people goes whole into their mailbox."""
    inside = domain_of(address) in settings.LETTERLOCK.inside_domains and reader.role == Reader.Role.RECIPIENT
    kind = "reply" if message.direction == Message.Direction.IN and inside else "notice"
    return Asked(kind, address, message.id, reader, share=share, bulk=bulk)


def _relay(group: Sequence[Ready]) -> None:
    enqueue_all(
        [
            Asked(
                "relay",
                address,
                one.row.pk,
                sender=one.envelope.sender,
                bulk=one.row.bulk,
                dsn=dsn,
                tls=one.decision.tls,
            )
            for one in group
            for address, dsn in one.envelope.addressed()
        ]
    )
    for one in group:
        if not one.is_over:
            change = {"change": ordering.sealed(one.row, one.change)} if one.change else {}
            states.later(one.row, LOOK_AGAIN, unfinished=0, **change)
