"""Versions of the rules: which one is live, publishing the next, and going back to one that was."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.access import grants
from portal.audit.record import by_whom, record
from portal.owners import decides_alone
from portal.rules import diverting, first, sanity
from portal.rules.compiling import RuleSet, compiled
from portal.rules.document import Document, checked
from portal.rules.errors import BadRules, NoSuchRule, NoSuchVersion, RulesForged, StaleRules
from portal.rules.models import Version

LONGEST_NOTE = 200


def live_number() -> int:
    """The number of the live version; 0 while the built-in rules hold."""
    return Version.objects.order_by("-number").values_list("number", flat=True).first() or 0


def document_of(number: int) -> Document:
    """The rules of one version; 0 are the built-in ones. Raises NoSuchVersion."""
    if number == 0:
        return first.RULES.document
    return dict(_version(number).document)


def published_document(number: int) -> Document:
    """The same, for what rests on it: as it was published here. Raises NoSuchVersion, RulesForged."""
    if number and not grants.is_whole(_version(number)):
        raise RulesForged(number)
    return document_of(number)


def _version(number: int) -> Version:
    found = Version.objects.filter(pk=number).first()
    if found is None:
        raise NoSuchVersion(number)
    return found


def publish(document: object, *, expected: int, by: UUID | None = None, note: str = "") -> RuleSet:
    """Make a document the live version, if `expected` still is the live one.

    `by` is the administrator's row; None is the command line.

    Raises:
        BadRules: it cannot be used, would lock mail that must pass, or gives mail to further people and `by` is no
            owner; nothing is changed. RulesForged when the live version was not published here.
        StaleRules: another version was published meanwhile; nothing is changed.
    """
    rules = compiled(document, expected + 1)
    sanity.check(rules)
    live = live_number()
    if live != expected:
        raise StaleRules(expected, live)
    before = _live_document(live)
    if not decides_alone(by) and (found := diverting.problems(rules.document, before)):
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
    made = {"document": rules.document, "made_at": timezone.now(), "made_by": by, "note": said}
    row = Version.objects.create(number=rules.version, **made)
    row.refresh_from_db()  # as it will be read, for a database may write a number in another way
    grants.seal(row)
    row.save(update_fields=["seal"])
    record("rules.published", version=rules.version, rules=len(rules.rules), by=by_whom(by))


def _live_document(number: int) -> Document:
    """In today's form. One that this program cannot read counts as none: then everything in a new one is new.

    Raises RulesForged: what somebody wrote there must not become the portal's own with the next version.
    """
    document = published_document(number)
    try:
        return checked(document)
    except BadRules:
        return first.RULES.document


def roll_back(number: int, *, expected: int, by: UUID | None = None) -> RuleSet:
    """Publish an old version's rules anew. Raises NoSuchVersion, RulesForged, BadRules, StaleRules."""
    return publish(published_document(number), expected=expected, by=by, note=f"Back to version {number}")


def switched(document: Document, rule: str, state: str) -> Document:
    """The same with one rule, named by id or name, in another state. Raises NoSuchRule."""
    named = [one["id"] for one in document["rules"] if rule in (one["id"], one["name"])]
    if len(named) != 1:
        raise NoSuchRule
    rules = [{**one, "state": state} if one["id"] == named[0] else one for one in document["rules"]]
    return {**document, "rules": rules}
