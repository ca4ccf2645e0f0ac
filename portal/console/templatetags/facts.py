"""The technical part of a timeline's event, in words."""

from __future__ import annotations

from django import template

from portal.console.record_facts import Told, phrases, who_words
from portal.operations.tracing import Event
from portal.operations.wording import sentence

register = template.Library()


@register.filter
def fact_words(event: Event) -> list[str]:
    """Each fact that the event's sentence does not say already, in a few words."""
    facts = Told(event.facts)
    sentence(event.kind, facts)
    rest = {name: fact for name, fact in event.facts.items() if name not in facts.used}
    for name in ("by", "who"):
        if isinstance(rest.get(name), str):
            rest[name] = who_words(rest[name])
    return list(phrases(event.kind, rest))
