"""Versions of the rules: which one is live, publishing the next, and going back to one that was."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.audit.record import by_whom, record
from portal.owners import decides_alone
from portal.rules import diverting, first, sanity
from portal.rules.compiling import RuleSet, compiled
from portal.rules.document import Document, checked
from portal.rules.errors import BadRules, NoSuchRule, NoSuchVersion, StaleRules
from portal.rules.models import Version

LONGEST_NOTE = 200


def live_number() -> int:
    """The number of the live version; 0 while the built-in rules hold."""
    return Version.objects.order_by("-number").values_list("number", flat=True).first() or 0


def document_of(number: int) -> Document:
    """The rules of one version; 0 are the built-in ones. Raises NoSuchVersion."""
    if number == 0:
        return first.RULES.document
    found = Version.objects.filter(pk=number).values_list("document", flat=True).first()
    if found is None:
        raise NoSuchVersion(number)
    return dict(found)


def publish(document: object, *, expected: int, by: UUID | None = None, note: str = "") -> RuleSet:
    """Make a document the live version, if `expected` still is the live one.

    `by` is the administrator's row; None is the command line.

    Raises:
        BadRules: it cannot be used, would lock mail that must pass, or gives mail to further people and `by` is no
            owner; nothing is changed.
        StaleRules: another version was published meanwhile; nothing is changed.
    """
    rules = compiled(document, expected + 1)
    sanity.check(rules)
    live = live_number()
    if live != expected:
        raise StaleRules(expected, live)
    if not decides_alone(by) and (found := diverting.problems(rules.document, _live_document(live))):
        raise BadRules(found)
    try:
        with transaction.atomic():
            _add(rules, by, note)
    except IntegrityError:
        # The number is the primary key: of two who publish at once, one finds it taken.
        raise StaleRules(expected, live_number()) from None
    return rules


def _add(rules: RuleSet, by: UUID | None, note: str) -> None:
    said = " ".join(note.split())[:LONGEST_NOTE]
    Version.objects.create(number=rules.version, document=rules.document, made_at=timezone.now(), made_by=by, note=said)
    record("rules.published", version=rules.version, rules=len(rules.rules), by=by_whom(by))


def _live_document(number: int) -> Document:
    """In today's form. One that this program cannot read counts as none: then everything in a new one is new."""
    try:
        return checked(document_of(number))
    except BadRules:
        return first.RULES.document


def roll_back(number: int, *, expected: int, by: UUID | None = None) -> RuleSet:
    """Publish an old version's rules anew. Raises NoSuchVersion, BadRules, StaleRules."""
    return publish(document_of(number), expected=expected, by=by, note=f"Back to version {number}")


def switched(document: Document, rule: str, state: str) -> Document:
    """The same with one rule, named by id or name, in another state. Raises NoSuchRule."""
    named = [one["id"] for one in document["rules"] if rule in (one["id"], one["name"])]
    if len(named) != 1:
        raise NoSuchRule
    rules = [{**one, "state": state} if one["id"] == named[0] else one for one in document["rules"]]
    return {**document, "rules": rules}
