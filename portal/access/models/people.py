"""People known by their address, and the links that let administrators in."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _lazy

from portal.access import grants

NOBODY = "nobody"


class Person(AbstractBaseUser):
    """An address that has proved itself at least once, or an administrator.

    Only the first administrator may ever have a password (portal.access.passwords). `last_login` is when an
    administrator last got in.
    """

    class Role(models.TextChoices):
        """What an administrator may do (portal.access.roles). No role sees content."""

        READER = "reader", _lazy("Reader")
        OWNER = "owner", _lazy("Owner")
        ADMINISTRATOR = "admin", _lazy("Administrator")
        RULES = "rules", _lazy("Rules")
        BRANDS = "brands", _lazy("Brands")
        SUPPORT = "support", _lazy("Support")
        AUDITOR = "auditor", _lazy("Auditor")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    lookup = models.CharField(max_length=64, unique=True)
    """Hex HMAC of the normalised address (label "address"); "nobody" for the person that stands for unknown ones."""
    address = models.BinaryField(default=b"")
    """Sealed under the directory key (label "person")."""
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.READER)
    language = models.CharField(max_length=10, default="", db_default="", blank=True)
    """What they read in last, a code of branding.languages, for the mails to them; "" when it is not known."""
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over role and password (portal.access.granted), of whoever has either; without it they administer nothing."""

    was_given: tuple[object, bool] | None = None
    """No column: what was read of the row, and whether its seal fits that (portal.access.roles)."""

    USERNAME_FIELD = "lookup"
    objects: BaseUserManager[Person] = BaseUserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"person {self.id}"

    @property
    def is_owner(self) -> bool:
        """Whether they are an owner, and were made one here (portal.access.grants)."""
        return self.role == self.Role.OWNER and grants.is_whole(self)


class EntryLink(models.Model):
    """A one-time sign-in link for an administrator, printed by `manage.py administrator` or mailed."""

    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the link's secret."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    mailed = models.BooleanField(default=False, db_default=False)
    """Then its page asks for the address too: a mail scanner that presses every button must not be let in."""
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over whose it is and how long (portal.access.granted)."""
