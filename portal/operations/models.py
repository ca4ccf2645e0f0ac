"""Signs of life, what was found when all was last looked at, turns of processes, and searches of administrators."""

from __future__ import annotations

import uuid

from django.db import models


class Heartbeat(models.Model):
    """When a part of the product last proved that it works."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()


class Turn(models.Model):
    """Whose turn it is to do what only one process at a time does, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()


class Looked(models.Model):
    """What the doctor found about one thing when it last looked, and since when it has been so."""

    name = models.CharField(max_length=120, primary_key=True)
    """Area and check, like "DNS/example.org SPF"."""
    state = models.PositiveSmallIntegerField()
    """As portal.operations.doctor.finding.State."""
    seen = models.TextField(blank=True)
    why = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    since = models.DateTimeField()
    """When it came into this state, as far as looks can tell."""
    at = models.DateTimeField()

    @property
    def title(self) -> str:
        """The same for people, like "DNS: example.org SPF"; a check that begins with its area's name stands alone."""
        area, _, check = self.name.partition("/")
        said = check if check.lower().startswith(area.lower()) else f"{area}: {check}"
        return said[:1].upper() + said[1:]


class Trial(models.Model):
    """A test message that an administrator sent through the whole chain, to their own mailbox."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    by = models.UUIDField()
    """The administrator's row."""
    mail_id_lookup = models.BinaryField(max_length=32)
    """As portal.vault.models.Message has it."""
    message = models.UUIDField(null=True)
    """Id in the door's answer; null when the door did not take it."""
    answer = models.CharField(max_length=240, blank=True)
    """What was wrong at the door, in our own words."""
    made_at = models.DateTimeField()


class Search(models.Model):
    """What an administrator looked for: addresses stand in no URL, so the URL has this row's id, for an hour."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    by = models.UUIDField()
    """The administrator's row; for nobody else it is there."""
    asked = models.BinaryField()
    """JSON of the addresses and the Message-ID, sealed under the directory key (label "office-search")."""
    made_at = models.DateTimeField(db_index=True)


class KeyWork(models.Model):
    """One run over all wraps that was asked for on the page of keys (portal.operations.keywork)."""

    class Kind(models.TextChoices):
        MOVE = "move"
        """From superseded keys to the newest."""
        VERIFY = "verify"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    asked_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    paused = models.BooleanField(default=False)
    done = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(default=0)
    """Wraps that were to be looked at when it was asked for."""
    looked_at = models.BigIntegerField(default=0)
    troubles = models.JSONField(default=dict)
    """Kind of trouble to how many wraps have it."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=models.Q(done=False), name="one_unfinished_of_a_kind")
        ]


class KeyEnding(models.Model):
    """An epoch key that one administrator wants destroyed for good, and that another one agrees to or not."""

    epoch = models.CharField(max_length=24)
    asked_at = models.DateTimeField()
    asked_by = models.UUIDField()
    reason = models.CharField(max_length=16)
    closed_at = models.DateTimeField(null=True)
    """When it was agreed to, or dropped."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch"], condition=models.Q(closed_at=None), name="one_ending_an_epoch")
        ]


class RecoveryDrill(models.Model):
    """A random code, sealed to the recovery key: whoever reads it out has the private half."""

    asked_at = models.DateTimeField()
    sealed = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the code."""
    passed_at = models.DateTimeField(null=True)


class Tally(models.Model):
    """How often something happened on one day, in the installation's time zone (portal.operations.tallying)."""

    day = models.DateField()
    kind = models.CharField(max_length=16)
    """One of portal.operations.tallying.Kind."""
    brand = models.CharField(max_length=50, blank=True)
    """A brand's short name; "" where none is known."""
    word = models.CharField(max_length=100, blank=True)
    """What of the kind, from a list or as a rule is called."""
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "kind", "brand", "word"], name="tally_once")]
        indexes = [models.Index(fields=["kind", "day"], name="tally_by_kind")]


class Tallied(models.Model):
    """How far the record is counted; one row, and whoever locks it is the one that counts."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    leaf = models.BigIntegerField(default=0)
    """Leaves of the record's tree that are counted: an entry that was committed late is a later leaf, so none is
    missed and none counts twice."""
    at = models.DateTimeField(null=True)
    """When it last had counted everything that there was."""


class DomainDay(models.Model):
    """Messages from or to one domain on one day, with enough to tell whether at least five people are behind it."""

    day = models.DateField()
    side = models.CharField(max_length=4)
    """ "to" or "from"."""
    brand = models.CharField(max_length=50, blank=True)
    domain = models.UUIDField()
    """A keyed hash of it."""
    name = models.BinaryField()
    """The domain, sealed under the directory key (label "report-domain", row `domain`)."""
    number = models.BigIntegerField(default=0)
    people = models.BinaryField(default=b"")
    """Eight bytes of each address's keyed hash, of five addresses at most."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "side", "brand", "domain"], name="domain_day_once"),
        ]


class ReportWish(models.Model):
    """An administrator who wants the monthly report by mail."""

    person = models.UUIDField(primary_key=True)
    sent_for = models.CharField(max_length=7, blank=True)
    """The last month that was mailed, like 2026-11."""
