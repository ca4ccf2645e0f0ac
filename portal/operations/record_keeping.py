"""The record's tree under this installation's name and key, for the sequencer and the commands."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from portal.audit import heads, sequencing
from portal.keys.service import keys


def origin() -> str:
    """Whose record it is, in heads and keys: the public host and "/audit"."""
    return f"{urlsplit(settings.LETTERLOCK.public_url).netloc}/audit"


def key_line() -> str:
    """The key by which others verify our heads."""
    return heads.key_line(origin(), keys().head_signer().public)


def sequence() -> int:
    """Add one batch of what was recorded to the tree. KeysError when the key cannot be had: it waits then."""
    return sequencing.sequence(timezone.now(), origin(), keys().head_signer())
