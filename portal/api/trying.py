"""`POST /rules/test`: what the live rules would decide about a mail, and why. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from django.conf import settings

from portal.api import strict
from portal.api.admitting import admit
from portal.api.endpoint import Call
from portal.api.errors import BodyTooLarge
from portal.api.sending import MAIL, MOST_BYTES, Mail, compose, named
from portal.api.shapes import Says
from portal.ingest import knowing
from portal.ingest.bulk import room_for
from portal.ingest.data import LineEnds
from portal.ingest.errors import TooComplex
from portal.ingest.intake import Named
from portal.mime.errors import LimitExceeded
from portal.mime.limits import Watcher
from portal.mime.reading import read
from portal.rules import deciding, live


@dataclass(frozen=True)
class Rule:
    """What one rule made of the mail, in the rules' order."""

    id: str
    name: str
    asked: Annotated[bool, Says("not when it is off, out of its days, or behind a rule that ended it")]
    matched: Annotated[bool | None, Says("null when it cannot be told")]
    counts: Annotated[bool, Says("what it orders is done")]
    only_logged: bool
    why: Annotated[str, Says("in words: what held, or the first condition that failed")]
    path: Annotated[tuple[str, ...], Says("of that condition in the rule")]


@dataclass(frozen=True)
class Decided:
    """The decision for all recipients, and what it came from."""

    action: Annotated[str, Says("protect, relay, refuse, hold or drop")]
    rule: Annotated[str, Says("the rule that decided, or default")]
    reason: Annotated[str, Says("of a refusal or a hold, for its sender")]
    version: Annotated[int, Says("of the rules; 0 for the built-in ones")]
    template: Annotated[str, Says("rights template that a rule or the sender names")]
    brand: Annotated[str, Says("short name of the brand when a rule says which")]
    level: int
    open_until: Annotated[date | None, Says("null: as the brand says, or for ever")]
    split: str
    delivery: str
    tls: Annotated[str, Says("verified when it may only leave so")]
    changed: Annotated[bool, Says("its header, subject or text would be changed")]
    rules: tuple[Rule, ...]


def test(call: Call[None, Mail]) -> Decided:
    """Raises ApiError or NotTaken for what no way in would take."""
    with room_for(strict.length_of(call.request)):
        if call.request.content_type == MAIL:
            who, raw = named(call.request), _whole(call)
        else:
            who, pieces = compose(call.body)
            raw = b"".join(pieces)
        return _decided(call, who, raw)


def _whole(call: Call[None, Mail]) -> bytes:
    length, most = strict.length_of(call.request), min(MOST_BYTES, settings.LETTERLOCK.max_message_bytes)
    if length > most:
        raise BodyTooLarge(most)
    line_ends = LineEnds()
    pieces = [line_ends.feed(chunk) for chunk in strict.chunks(call.request, length)]
    return b"".join([*pieces, line_ends.finish()])


def _decided(call: Call[None, Mail], who: Named, raw: bytes) -> Decided:
    envelope = who.admitted(admit(call.token))(_header(raw))
    rules = live.rules()
    facts = knowing.facts(read(raw), envelope, raw, refers=False)
    decision = deciding.decide(facts, rules, settings.LETTERLOCK.default_action)
    return Decided(
        action=decision.action,
        rule=decision.rule,
        reason=decision.text,
        version=decision.version,
        template=decision.imposed or decision.template,
        brand=decision.brand,
        level=decision.level,
        open_until=None if decision.keeps_default_date else decision.open_until,
        split=decision.split,
        delivery=decision.delivery,
        tls=decision.tls,
        changed=bool(decision.edits),
        rules=tuple(_rule(result) for result in deciding.explain(facts, rules)),
    )


def _header(raw: bytes) -> bytes:
    """The header block of a mail that is within all limits. Raises TooComplex."""
    watcher = Watcher()
    try:
        watcher.feed(raw)
        watcher.close()
    except LimitExceeded as exceeded:
        raise TooComplex(exceeded) from None
    return watcher.header_block() or b""


def _rule(result: deciding.Result) -> Rule:
    return Rule(
        id=result.id,
        name=result.name,
        asked=result.looked,
        matched=result.matched,
        counts=result.counts,
        only_logged=result.only_logged,
        why=result.words,
        path=tuple(map(str, result.path)),
    )
