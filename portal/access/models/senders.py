"""What senders want for the mails they send, where the mail itself does not say."""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand
from portal.access.models.people import Person
from portal.vault.models import Reader


class SenderDefaults(models.Model):
    """Of one person inside the organisation, under one brand (S4)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    open_days = models.PositiveSmallIntegerField(null=True)
    """So many days a message stays open, never more than the brand's; null for those."""
    receipts = models.BooleanField(default=False)
    """Whether they are told when a message is opened."""
    digest = models.BooleanField(default=False, db_default=False)
    """Told of a whole day in one mail, instead of at once."""
    template = models.CharField(max_length=40, default="", blank=True)
    """Short name of a rights template; "" for none."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "brand"], name="sender_defaults_once_a_brand")]


class Opening(models.Model):
    """A message was opened for the first time by one recipient, and its sender is told so with others in one mail."""

    reader = models.OneToOneField(Reader, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    """The sender."""
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    how = models.CharField(max_length=60, blank=True)
    """The provider's short name, or a colon and the way, by which the recipient had confirmed their address."""
    due_at = models.DateTimeField()
    """When it is to be told."""
    mail = models.UUIDField(null=True)
    """Shared by the openings that one mail tells; null while they wait."""

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="opening_waits", condition=models.Q(mail=None)),
            models.Index(fields=["mail"], name="opening_by_mail"),
        ]


class Delegation(models.Model):
    """One person inside sees what became of another's messages under one brand, and acts on them, while this row is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    """Whose messages they are."""
    delegate = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    by_office = models.BooleanField()
    """Given by an administrator, and not by the owner."""
    made_at = models.DateTimeField(auto_now_add=True)
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over all but when it was given (portal.access.granted)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "brand", "delegate"], name="delegate_once"),
            models.CheckConstraint(condition=~models.Q(owner=models.F("delegate")), name="delegate_is_another"),
        ]
