"""What console/message_actions.html needs to know of a message, wherever it is included."""

from __future__ import annotations

from uuid import UUID

from django import template

from portal.lifecycle import standing

register = template.Library()


@register.simple_tag
def standing_of(message: UUID) -> standing.Standing | None:
    """How a message stands; None before it is sealed."""
    return standing.of(message)
