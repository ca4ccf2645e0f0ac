"""The draft of the next version: edited by several people, published whole, and live for nobody until then."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.audit.record import by_whom, record, record_hourly
from portal.rules.compiling import RuleSet
from portal.rules.differing import Difference, differences, merged
from portal.rules.document import Document, Rule, checked
from portal.rules.errors import BadRules, RulesError, StaleRules
from portal.rules.models import Draft
from portal.rules.own_kinds import find, without_kind
from portal.rules.publishing import document_of, live_number, publish

ONLY = 1
"""There is one draft, and its row has this id."""


class SavedMeanwhile(RulesError):
    """Somebody else changed the same part of the draft; nothing was saved."""


@dataclass(frozen=True)
class Standing:
    """How the rules stand: the live version, the draft if there is one, and the version that it was begun from."""

    number: int
    live: Document
    draft: Draft | None
    base: Document

    @property
    def document(self) -> Document:
        """What an editor shows: the draft, or else what is live."""
        return dict(self.draft.document) if self.draft else self.live

    @property
    def changed(self) -> list[Difference]:
        """What the draft changes of what it was begun from."""
        return differences(self.base, self.document) if self.draft else []

    @property
    def missed(self) -> list[Difference]:
        """What became live since the draft was begun."""
        return differences(self.base, self.live) if self.draft and self.draft.base != self.number else []

    @property
    def seen(self) -> str:
        """Stands for all of it, so that nobody publishes or moves what they have not seen."""
        return token([self.number, self.document])

    def rule(self, id_: str) -> Rule | None:
        """The rule of this id in the draft, or else in what is live."""
        return next((dict(one) for one in self.document["rules"] if one["id"] == id_), None)


def token(part: object) -> str:
    """Stands for what a form was read with: 20 hex digits of the SHA-256 of its JSON."""
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:20]


def standing() -> Standing:
    """How the rules stand now."""
    return _standing(Draft.objects.filter(pk=ONLY).first())


def _standing(draft: Draft | None) -> Standing:
    number = live_number()
    live = in_todays_form(document_of(number))
    base = live if draft is None or draft.base == number else in_todays_form(document_of(draft.base))
    if draft is not None:
        draft.document = in_todays_form(draft.document)
    return Standing(number, live, draft, base)


def in_todays_form(document: Document) -> Document:
    """With the fields that rules have got since it was saved. What this program cannot read stays as it is."""
    try:
        return checked(document)
    except BadRules:
        return document


def save(
    edit: Callable[[Document], Document], part: Callable[[Document], object], seen: str, by: UUID | None
) -> Document:
    """Change the draft, or begin one. `part` is what the form shows of a document, `seen` the token of that part.

    Raises:
        SavedMeanwhile: somebody else changed that part since.
        BadRules: what is wished cannot be used. Nothing is saved either way.
    """
    try:
        with transaction.atomic():
            now = _locked()
            if token(part(now.document)) != seen:
                raise SavedMeanwhile
            wanted = checked(edit(copy.deepcopy(now.document)))
            if wanted == now.document:
                return wanted
            draft = now.draft or Draft(pk=ONLY, base=now.number)
            fresh = now.draft is None
            draft.document, draft.made_by, draft.made_at = wanted, by, timezone.now()
            draft.save(force_insert=fresh, force_update=not fresh)
            record_hourly("rules.draft_saved", by=by_whom(by))
    except IntegrityError:  # two began the draft in one moment
        raise SavedMeanwhile from None
    return wanted


def remove(id_: str, reason: str, seen: str, by: UUID | None) -> None:
    """Take a rule out of the draft. Raises SavedMeanwhile, when the rule is not as it was seen."""
    with transaction.atomic():
        save(
            lambda document: {**document, "rules": [one for one in document["rules"] if one["id"] != id_]},
            lambda document: next((one for one in document["rules"] if one["id"] == id_), None),
            seen,
            by,
        )
        record("rules.rule_removed", rule=id_, reason=reason, by=by_whom(by))


def remove_kind(slug: str, reason: str, seen: str, by: UUID | None) -> None:
    """Take an own kind of sensitive information out of the draft.

    Raises SavedMeanwhile, when it is not as it was seen, and KindInUse, when a rule asks for it.
    """
    with transaction.atomic():
        save(lambda document: without_kind(document, slug), lambda document: find(document, slug), seen, by)
        record("rules.kind_removed", type=slug, reason=reason, by=by_whom(by))


def discard(seen: str, by: UUID | None) -> None:
    """Throw the draft away. Raises SavedMeanwhile when it is not the one that was seen."""
    with transaction.atomic():
        now = _locked()
        if now.draft is None:
            return
        if now.seen != seen:
            raise SavedMeanwhile
        now.draft.delete()
        record("rules.draft_discarded", by=by_whom(by))


def catch_up(by: UUID | None) -> None:
    """Bring what became live meanwhile into the draft; where both changed the same rule, the draft's stays.

    Raises BadRules when the two do not go together.
    """
    with transaction.atomic():
        now = _locked()
        if now.draft is None or now.draft.base == now.number:
            return
        now.draft.document, now.draft.base = checked(merged(now.base, now.live, now.document)), now.number
        now.draft.save(update_fields=["document", "base"])
        record_hourly("rules.draft_saved", by=by_whom(by))


def publish_draft(seen: str, by: UUID | None, note: str = "") -> RuleSet | None:
    """Make the draft the live version; None when there is none.

    Raises:
        SavedMeanwhile: it is not the draft that was seen.
        StaleRules: another version was published since it was begun.
        BadRules: it would lock mail that must pass, with the name of the rule.
    """
    with transaction.atomic():
        now = _locked()
        if now.draft is None:
            return None
        if now.draft.base != now.number:
            raise StaleRules(now.draft.base, now.number)
        if now.seen != seen:
            raise SavedMeanwhile
        rules = publish(now.document, expected=now.number, by=by, note=note)
        now.draft.delete()
        return rules


def _locked() -> Standing:
    """The draft, nobody else's until the transaction ends."""
    return _standing(Draft.objects.select_for_update().filter(pk=ONLY).first())
