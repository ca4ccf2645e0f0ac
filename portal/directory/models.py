"""People, groups and who is in them. Addresses and attributes are sealed; addresses are found by keyed hashes."""

from __future__ import annotations

import uuid

from django.db import models


class Source(models.TextChoices):
    """Where a row comes from; each source changes and removes only its own."""

    CSV = "csv", "CSV"
    LDIF = "ldif", "LDIF"
    SCIM = "scim", "SCIM"


class Person(models.Model):
    """One mailbox. `sealed` holds its address and attributes (portal.directory.sealed)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    lookup = models.BinaryField(max_length=32, unique=True, null=True)
    """HMAC of the normalised address (label "address"); none while a program has not said it."""
    user_lookup = models.BinaryField(max_length=32, unique=True, null=True)
    """The same of SCIM's userName (label "directory-user")."""
    external_lookup = models.BinaryField(max_length=32, db_index=True, default=b"")
    """The same of SCIM's externalId (label "directory-external"), or of the entry's name in LDIF."""
    sealed = models.BinaryField()
    active = models.BooleanField(default=True)
    """Who is not is a member of no group."""
    source = models.CharField(max_length=4, choices=Source)
    version = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)


class Group(models.Model):
    """A group that rules name by its slug. Its name is that of a department or a list, not of a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    slug = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    external_lookup = models.BinaryField(max_length=32, db_index=True, default=b"")
    external = models.CharField(max_length=255, default="")
    """SCIM's externalId, given back as it came."""
    source = models.CharField(max_length=4, choices=Source)
    version = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)


class Membership(models.Model):
    """One member of a group: a person, another group, or everyone at a domain."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="memberships")
    child = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="within")
    domain = models.CharField(max_length=253, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "person"], name="a_person_is_in_a_group_once"),
            models.UniqueConstraint(fields=["group", "child"], name="a_group_is_in_a_group_once"),
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, child__isnull=True, domain="")
                | models.Q(person__isnull=True, child__isnull=False, domain="")
                | (models.Q(person__isnull=True, child__isnull=True) & ~models.Q(domain="")),
                name="a_member_is_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["domain"], condition=~models.Q(domain=""), name="members_by_domain"),
            models.Index(fields=["child", "group"], condition=models.Q(child__isnull=False), name="groups_in_groups"),
        ]


class Import(models.Model):
    """One import that was done, or the last time that a program changed something by SCIM."""

    at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=4, choices=Source)
    people = models.PositiveIntegerField(default=0)
    groups = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)


class Upload(models.Model):
    """A file that waits for the word of whoever gave it (portal.directory.parked)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sealed = models.BinaryField()
    source = models.CharField(max_length=4, choices=Source)
    removes_missing = models.BooleanField()
    by = models.UUIDField(db_index=True)
    expires_at = models.DateTimeField(db_index=True)
