"""What senders want for the mails they send, where the mail itself does not say."""

from __future__ import annotations

from django.db import models

from branding.models import Brand
from portal.access.models.people import Person


class SenderDefaults(models.Model):
    """Of one person inside the organisation, under one brand (ux.md S4)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    open_days = models.PositiveSmallIntegerField(null=True)
    """So many days a message stays open, never more than the brand's; null for those."""
    receipts = models.BooleanField(default=False)
    """Whether they are told when a message is opened."""
    template = models.CharField(max_length=40, default="", blank=True)
    """Short name of a rights template; "" for none."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "brand"], name="sender_defaults_once_a_brand")]
