"""What a token may do. Every route of the API asks for exactly one of these (docs/api.md prints which)."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """Value as in `manage.py token create --scope`, and in a sentence what it allows."""

    MESSAGES_SEND = "messages:send", "Hand in mail, one by one or in bulk, and ask what became of it"
    MESSAGES_READ = "messages:read", "See messages, their states and timelines; never what they say or whole addresses"
    MESSAGES_ACT = "messages:act", "Withdraw, undo, extend and resend messages"
    RULES_TEST = "rules:test", "Ask what the rules would decide about a mail"
    BRANDS_READ = "brands:read", "See brands as their recipients see them"
    AUDIT_READ = "audit:read", "Read, prove and export the record"
    KEYS_READ = "keys:read", "See the state of the keys; never a key"
    REPORTS_READ = "reports:read", "Read the figures of the reports; they name no recipient"
    WEBHOOKS_MANAGE = "webhooks:manage", "See webhooks and their deliveries, and send them again"
    SCIM = "scim", "Add, change and remove the organisation's people (SCIM 2.0)"


BY_DEFAULT = (Scope.MESSAGES_SEND,)
"""What a token may that was made without a word of it, or before there were scopes."""


def of(words: object) -> frozenset[Scope]:
    """What a row says; a word that is not known here allows nothing. None is a row from before there were scopes."""
    if words is None:
        return frozenset(BY_DEFAULT)
    known = {scope.value for scope in Scope}
    return (
        frozenset(Scope(word) for word in words if isinstance(word, str) and word in known)
        if isinstance(words, list)
        else frozenset()
    )
