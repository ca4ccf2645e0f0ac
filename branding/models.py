"""A brand: the organisation a recipient sees, with its host, its words, its defaults and its departments."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction

from branding.sealing import CLAIMED, Saving


class Brand(models.Model):
    slug = models.SlugField(unique=True, max_length=64)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=253, unique=True)
    """Registered host name, lower case, no port. Links and pages of this brand use it and no other."""
    domains = models.JSONField(default=list)
    """Mail domains whose senders write under this brand."""
    colour = models.CharField(max_length=7, default="#14594f", validators=[RegexValidator(r"^#[0-9a-f]{6}$")])
    language = models.CharField(max_length=10, default="en")
    words = models.JSONField(default=dict, db_default={}, blank=True)
    """Its own words by language (branding.wording): {"en-gb": {"read_button": "Read your letter"}}."""
    logo = models.CharField(max_length=64, default="", db_default="", blank=True)
    """Digest of the Logo that is shown; empty for the mark made of its initials."""
    intro = models.CharField(max_length=1024, blank=True)
    """Not read any more: `words` has it as `welcome`. Here for a version before that runs beside this one."""
    postal_address = models.CharField(max_length=240, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    privacy_url = models.URLField(blank=True)
    imprint_url = models.URLField(default="", db_default="", blank=True)
    """Who is behind the pages, as some countries' law has it said on every one; empty for no link."""
    open_days = models.PositiveSmallIntegerField(default=30)
    """So many days its messages stay open where nothing says otherwise; 0 for ever."""
    show_subject = models.BooleanField(default=False)
    rights = models.JSONField(default=dict)
    """Rights that differ from the defaults (portal.vault.rights), like {"download": false}."""
    template = models.CharField(max_length=40, default="", db_default="", blank=True)
    """Short name of the rights template (portal.vault.templates) that holds where nobody names another; "" for none."""
    methods = models.JSONField(null=True, blank=True)
    """Ways to confirm that recipients are offered: `passcode`, `passkey`, slugs of providers; null for all."""
    minimum_level = models.PositiveSmallIntegerField(default=1, db_default=1)
    """Least assurance (docs/assurance.md, 1 to 3) for this brand's messages; a rule or the sender can ask for more."""
    session_scope = models.CharField(
        max_length=7, choices=[("brand", "brand"), ("message", "message")], default="brand", db_default="brand"
    )
    """What one proof opens: all messages of this brand to the address, or the one message it was given at."""
    delivery = models.CharField(
        max_length=10, choices=[("link", "link"), ("attachment", "attachment")], default="link", db_default="link"
    )
    """Whether the notice holds a link to the message, or the sealed message itself as message.html."""
    forward_domains = models.JSONField(null=True, blank=True)
    """Mail domains that readers may forward to where a message grants that; null for any, an empty list for none."""
    pictures = models.CharField(
        max_length=5, choices=[("ask", "ask"), ("never", "never")], default="ask", db_default="ask"
    )
    """Whether a reader may have pictures of the internet loaded, by this portal."""
    reminder_days = models.PositiveSmallIntegerField(null=True, blank=True)
    """So many days before a message closes, whoever has not opened it is reminded once; null for never."""
    tell_withdrawn = models.BooleanField(default=False, db_default=False)
    """Whether recipients are told by mail that a message was withdrawn."""
    reply_after_days = models.PositiveSmallIntegerField(default=7, db_default=7)
    """So many days after a message has closed it can still be answered; 0 for not at all."""
    grace_days = models.PositiveSmallIntegerField(default=0, db_default=0)
    """So many days after a message has closed its keys are still kept, so that its reader can ask for more time."""
    reply_notes = models.BooleanField(default=False, db_default=False)
    """Whether whoever answers is mailed a note of it, without its text (M10)."""
    write_to = models.BooleanField(default=False, db_default=False)
    """Whether anyone may write to the organisation from its own page, to one of its departments."""
    from_address = models.CharField(max_length=254, default="", db_default="", blank=True)
    """What its portal writes from; empty for messages@ its host."""
    bounce_address = models.CharField(max_length=254, default="", db_default="", blank=True)
    """Where its mails come back to, bounce@ a domain (portal.delivery.bounces adds the mail's letters); empty for
    LETTERLOCK_BOUNCE_DOMAIN, else its host."""
    archived_at = models.DateTimeField(null=True, blank=True)
    """Since when no new message takes it; its host, and what was sent under it, stay as they are."""
    is_default = models.BooleanField(default=False)
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over its names and how its readers prove (branding.sealing.CLAIMED)."""

    is_shown = False
    """Whether it is a draft as it would be, and no row (branding.versions.as_brand)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_brand"
            ),
            models.CheckConstraint(condition=models.Q(open_days__lte=730), name="brand_open_days_within_730"),
            models.CheckConstraint(condition=models.Q(grace_days__lte=30), name="brand_grace_days_within_30"),
        ]

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Sealed as it is saved. Raises BrandForged where somebody wrote the row, and this does not put it right."""
        fields = None if update_fields is None else set(update_fields)
        if fields is not None and not fields & CLAIMED:
            super().save(update_fields=fields, **options)
            return
        with transaction.atomic():
            kept = Brand.objects.select_for_update().filter(pk=self.pk).first() if self.pk is not None else None
            saving = Saving(self, kept, fields)
            if fields is not None and saving.sealed is not None:
                fields.add("seal")
            super().save(update_fields=fields, **options)
            saving.settle()

    def last_day(self, sent: date) -> date | None:
        """The last day of a message that is sent on a day, where nothing says otherwise; None for never."""
        return sent + timedelta(days=self.open_days) if self.open_days else None

    def clean(self) -> None:
        if self.host != self.host.lower() or ":" in self.host:
            raise ValidationError({"host": "A host is a lower-case name without a port, like secure.example.org."})


class Logo(models.Model):
    """A brand's logo, checked and written anew (branding.logos). Kept when another is shown: older pages name it."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="logos")
    digest = models.CharField(max_length=64)
    """SHA-256 of the pictures, in hex: two that are alike are one."""
    svg = models.TextField(default="", blank=True)
    """For pages, where it was given as SVG; then `png` may be empty."""
    png = models.BinaryField(default=b"")
    """For pages; at most 340 by 140 pixels and 40 KB."""
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    """In CSS pixels as a page shows it, at most 170 by 70: half of a fine picture's own."""
    mail_png = models.BinaryField(default=b"")
    """For mails; at most 8 KB; empty where only an SVG was given: then a mail has the mark."""
    mail_width = models.PositiveSmallIntegerField(default=0)
    mail_height = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "digest"], name="logo_once_a_brand")]


class Department(models.Model):
    """A place in the organisation that anyone may write to (branding.departments)."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="departments")
    slug = models.SlugField(max_length=40)
    """In the address of its own page."""
    place = models.PositiveSmallIntegerField(default=0)
    """Where it stands in the list, the lowest first."""
    names = models.JSONField(default=dict)
    """What people call it, by language: {"en": "Reception"}."""
    notes = models.JSONField(default=dict, blank=True)
    """A line below the name, likewise, like “Outside office hours. We answer on Monday.”"""
    addresses = models.JSONField(default=list)
    """The mailboxes inside that what is written goes to, in this order. No page shows them."""
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "slug"], name="department_once_a_brand")]

    def __str__(self) -> str:
        return f"department {self.slug}"


class BrandVersion(models.Model):
    """A draft of a brand, or what was or is live (branding.versions). What pages and mails read is the brand's row."""

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        OLD = "old"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    """From 1 up; 0 is the draft, of which there is at most one."""
    base = models.PositiveIntegerField(default=0)
    """Of a draft: the version it was begun from."""
    state = models.CharField(max_length=5, choices=State.choices)
    document = models.JSONField()
    """By field, all that an administrator sets of a brand."""
    made_by = models.UUIDField(null=True)
    """The administrator who saved or published it; null for the command line."""
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "number"], name="brand_version_once"),
            models.UniqueConstraint(
                fields=["brand"], condition=models.Q(state="live"), name="one_live_version_of_a_brand"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
