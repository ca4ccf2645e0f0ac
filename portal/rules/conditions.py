"""What a rule can look for. A condition is plain data with one question; it never raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from portal.mime.addresses import domain_of, parse_list
from portal.mime.errors import BadAddress
from portal.rules.facts import Facts
from portal.rules.triggers import HEADER, has_tag


class Condition(Protocol):
    def holds(self, facts: Facts) -> bool: ...


@dataclass(frozen=True)
class AsksByHeader:
    """The trigger header is there and comes from where such wishes are followed; elsewhere it is as if absent."""

    def holds(self, facts: Facts) -> bool:
        return facts.trusted and bool(facts.header(HEADER))


@dataclass(frozen=True)
class SubjectTag:
    """A subject holds one of the tags, like [secure]; of several, nobody knows which one the sender saw."""

    def holds(self, facts: Facts) -> bool:
        return has_tag(facts.subject) or any(map(has_tag, facts.header("subject")))


@dataclass(frozen=True)
class HeaderIs:
    """A header has exactly this value, whatever its case."""

    name: str
    value: str

    def holds(self, facts: Facts) -> bool:
        wanted = self.value.casefold()
        return any(value.strip().casefold() == wanted for value in facts.header(self.name))


@dataclass(frozen=True)
class AnswersProtected:
    """It belongs to a conversation that is protected already, and was written here or goes from inside to outside.

    Whoever it goes to, the first message's readers or others. Mail among our own people, and what comes from outside
    by ordinary mail, stays what it was.
    """

    def holds(self, facts: Facts) -> bool:
        return facts.refers_to_protected and (facts.written_here or _leaves(facts))


def _leaves(facts: Facts) -> bool:
    """Whether a mail goes from inside to outside; an address that cannot be read counts against it on both ends."""
    inside = set(facts.inside_domains)
    senders = [facts.sender, *(box.address for value in facts.header("from") for box in parse_list(value))]
    from_ = {domain for sender in senders if (domain := _domain(sender))}
    from_inside = not inside or not from_ or bool(from_ & inside)
    return from_inside and any(_domain(to) not in inside for to in facts.recipients)


def _domain(address: str) -> str:
    try:
        return domain_of(address)
    except BadAddress:
        return ""
