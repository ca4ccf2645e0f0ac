"""Browsers that are signed in, and what was proved in them for one message alone."""

from __future__ import annotations

from django.db import models

from branding.models import Brand
from portal.access.models.people import Person
from portal.vault.models import Phrase, Reader


class Session(models.Model):
    """A signed-in browser. The row is checked on every request; deleting it signs out at once."""

    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the cookie: a dump of the database signs nobody in."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sessions")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="+")
    """The only message it opens, where the brand's sessions are for one message; null for all of the brand."""
    method = models.CharField(max_length=12, default="passcode")
    """How the address was proved: `passcode`, `provider`, `passkey`; for administrators `entry` and others."""
    provider = models.CharField(max_length=40, default="", db_default="", blank=True)
    """Slug of the provider that proved the address, with the method `provider`."""
    level = models.PositiveSmallIntegerField(default=1, db_default=1)
    """1 a mailed passcode, 2 a provider's sign-in, 3 a passkey, or a passcode and more (docs/assurance.md)."""
    factor_at = models.DateTimeField(null=True)
    """With level 3: when the passkey or app behind it was set up. What is younger than a message does not open it:
    else whoever has the mailbox would set one up first. Null counts as younger."""
    office = models.BooleanField(default=False, db_default=False)
    """An administrator's: it proves no mailbox, so it opens no message."""
    sender = models.BooleanField(default=False, db_default=False)
    """Of someone inside the organisation who looks at what they sent (portal.access.senders); it opens no message."""
    device = models.CharField(max_length=60, default="", db_default="", blank=True)
    """The browser as its owner knows it, like "Safari on iPhone"."""
    anew = models.BooleanField(default=True, db_default=True)
    """Whether its proof was made in that moment. A provider where somebody is signed in already lets a browser through
    that was left open; such a session is good for looking, and for nothing that asks for a fresh proof."""
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    idle_seconds = models.PositiveIntegerField()
    ends_at = models.DateTimeField()
    seal = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """Over all but `seen_at` and `device` (portal.access.binding); a row whose seal does not fit signs nobody in."""


class ProvedPhrase(models.Model):
    """That a signed-in browser knew the phrase agreed for one message: level 3 there, and nowhere else."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="proved_phrases")
    phrase = models.ForeignKey(Phrase, on_delete=models.CASCADE, related_name="+")
    """A new phrase is a new row, so this goes with the old one."""
    at = models.DateTimeField()
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """That it was proved (portal.access.granted)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "phrase"], name="phrase_once_a_session")]
