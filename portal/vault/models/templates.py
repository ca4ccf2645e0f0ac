"""Rights under a name."""

from __future__ import annotations

from django.db import models


class RightsTemplate(models.Model):
    """Rights with a name, which a sender, a rule or a brand chooses (portal.vault.templates). Never deleted: messages
    keep its short name, and rules name it."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        ARCHIVED = "archived"
        """Chosen by nobody any more; a rule or a brand that names it goes on."""

    class Closes(models.TextChoices):
        BRAND = "brand"
        """When the brand says, or the sender."""
        DAYS = "days"
        DATE = "date"
        NEVER = "never"

    slug = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(default=dict, blank=True)
    """What people call it, by language: {"en": "For the board"}. A built-in one has words of its own."""
    notes = models.JSONField(default=dict, blank=True)
    """What it means, likewise, in a sentence or two."""
    rights = models.JSONField(default=dict)
    """Every right and duty by its name in portal.vault.rights; one that is missing is refused."""
    level = models.PositiveSmallIntegerField(default=1)
    """Least assurance that reading takes (docs/assurance.md)."""
    closes = models.CharField(max_length=5, choices=Closes.choices, default=Closes.BRAND)
    open_days = models.PositiveSmallIntegerField(null=True, blank=True)
    """With `days`: 1 to 730 days after it is sent."""
    last_day = models.DateField(null=True, blank=True)
    """With `date`: the last day that it can be read on."""
    scope = models.JSONField(default=list, blank=True)
    """Domains and addresses of senders who may choose it, and groups as `group:NAME`; none for everyone."""
    state = models.CharField(max_length=9, choices=State.choices, default=State.PUBLISHED)
    place = models.PositiveSmallIntegerField(default=100)
    """Where it stands in the list, the lowest first."""
    version = models.PositiveIntegerField(default=1)
    """One more with every change, so that of two who change it at once the later is told."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(level__in=(1, 2, 3)), name="template_level_is_one")]

    def __str__(self) -> str:
        return f"rights template {self.slug}"
