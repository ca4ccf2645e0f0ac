"""People known by their address, what they were asked, and the browsers they are signed in with."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django_otp.models import Device, VerifyNotAllowed

from branding.models import Brand
from portal.access import codes
from portal.access import credentials as credentials  # Django finds the passkeys' models by this line
from portal.access.errors import PasscodeDead, PasscodeOld, PasscodeRefused, PasscodeUsed
from portal.delivery.queue import enqueue
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Phrase, Reader

NOBODY = "nobody"
GUESSES = 5
"""Right or wrong, over all resends of one challenge."""
LIFE = timedelta(minutes=15)


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

    USERNAME_FIELD = "lookup"
    objects: BaseUserManager[Person] = BaseUserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"person {self.id}"


class Challenge(Device):  # type: ignore[misc]
    """One request for a passcode, by one browser: a django-otp device that lives for 15 minutes and stores no code.

    It counts its own guesses; the budgets over all challenges sit on top (portal.access.passcodes).
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4)
    user = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    """Who proved the address before, else "nobody"; after the proof, whose it is."""
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="+")
    """The message asked for; null when an address was typed on the neutral page."""
    address_lookup = models.BinaryField(max_length=32)
    typed_address = models.BinaryField(default=b"")
    """What was typed on the neutral page, sealed (label "challenge"); the page shows its mask. Empty with a reader."""
    browser = models.BinaryField(max_length=32)
    """SHA-256 of the browser cookie that asked; the code works in that browser only."""
    errand = models.CharField(max_length=8, default="", db_default="", blank=True)
    """What else than reading the address is proved for (portal.access.places.Errand); it opens no message then."""
    reference = models.CharField(max_length=12)
    round = models.PositiveSmallIntegerField(default=1)
    """Goes up at each resend; the code depends on it, so old codes die."""
    guesses = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["browser", "-made_at"]), models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"passcode challenge {self.public_id}"

    def code(self) -> str:
        """The 8 digits, derived anew each time; only the mail and verify_token() may ask."""
        reader = self.reader
        return codes.derive(
            keys().secret("passcode"),
            self.public_id.bytes,
            reader.id.bytes if reader else b"",
            bytes(self.address_lookup),
            reader.message_id.bytes if reader else b"",
            self.round.to_bytes(2, "big"),
        )

    def asked_address(self) -> str:
        """The address to be proved: the reader's, or what was typed on the neutral page."""
        if self.reader is not None:
            return readers.address_of(self.reader)
        return keys().open_field("challenge", self.public_id, bytes(self.typed_address)).decode()

    def refusal(self, now: datetime) -> PasscodeRefused | None:
        """Why no passcode of this challenge works any more; None while one does."""
        if self.used_at is not None:
            return PasscodeUsed()
        if self.guesses >= GUESSES:
            return PasscodeDead()
        return PasscodeOld() if now >= self.expires_at else None

    def generate_challenge(self) -> str:
        """Queue the mail with the passcode (django-otp's word for it).

        Queued for an address that nobody has, too: whether there is anyone to write to is found out when it is sent
        (portal.access.letters), so that no stranger can time the answer.
        """
        reader = self.reader
        enqueue(
            "passcode",
            address=self.asked_address(),
            message=reader.message_id if reader else None,
            reader=reader,
            subject_row=self.public_id,
        )
        return _("Enter it on the page that shows the reference {reference}.").format(reference=self.reference)

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        refusal = self.refusal(timezone.now())
        if refusal is None:
            return True, None
        if isinstance(refusal, PasscodeDead):
            return False, {"reason": VerifyNotAllowed.N_FAILED_ATTEMPTS, "failure_count": self.guesses}
        return False, {"error_message": refusal.sentence}

    def verify_token(self, token: str) -> bool:
        """Count the guess, then compare; true once at most. Safe against any number of parallel guesses."""
        now = timezone.now()
        same = Challenge.objects.filter(pk=self.pk, round=self.round, used_at=None, expires_at__gt=now)
        # Counted before compared, by a condition in the database: a guess that is not counted is never compared.
        if not same.filter(guesses__lt=GUESSES).update(guesses=F("guesses") + 1):
            return False
        self.guesses += 1
        right = codes.same(codes.digits_of(token), self.code())
        if not (self._has_mailbox() and right):
            return False
        self.used_at = now
        return bool(same.update(used_at=now))

    def _has_mailbox(self) -> bool:
        """Whether the code can have been mailed to anyone. On the neutral page anyone may type anything."""
        return (
            self.errand != ""
            or self.reader_id is not None
            or readers.of_person(bytes(self.address_lookup), self.brand).exists()
        )


class Asked(models.Model):
    """A passcode mail asked for; rows of the last day are the sending budget."""

    address_lookup = models.BinaryField(max_length=32)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, related_name="+")
    """Null in rows of version 0.1.0, which lasted a day."""
    network = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """Keyed hash of the /24 or /64 it was asked from; empty where that is not known."""
    around = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """The same of the /48 around an IPv6 network; empty with IPv4."""

    class Meta:
        indexes = [
            models.Index(fields=["address_lookup", "-at"]),
            models.Index(fields=["brand", "-at"], name="asked_by_brand"),
            models.Index(fields=["network", "-at"], name="asked_by_network"),
            models.Index(fields=["around", "-at"], name="asked_by_network_around"),
        ]


class CeilingReached(models.Model):
    """A time in which more passcode mail was asked for than a ceiling lets pass: administrators are told at its
    beginning and at its end."""

    class Ceiling(models.TextChoices):
        NETWORK = "network"
        BRAND = "brand"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    ceiling = models.CharField(max_length=7, choices=Ceiling.choices)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    """When a mail was last refused; noted at most once a minute."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "ceiling"], condition=models.Q(ended_at=None), name="ceiling_reached_once_at_a_time"
            )
        ]


class Failed(models.Model):
    """A wrong passcode; rows of the last day are the guessing budget, which no restart and no resend refills."""

    address_lookup = models.BinaryField(max_length=32)
    reader = models.UUIDField(null=True)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_lookup", "-at"])]


class TrustedBrowser(models.Model):
    """A browser in which an address proved itself before: it has budgets of its own, which no stranger can spend."""

    token = models.BinaryField(max_length=32)
    """SHA-256 of the cookie."""
    address_lookup = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField()
    passkey_at = models.DateTimeField(null=True)
    """When a passkey of the address was last added or used in it; the page then offers that first."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "address_lookup"], name="trust_once_a_browser_and_address")
        ]


class AskedSender(models.Model):
    """A person asked the sender of a message that was not sent to them to send it to them too (ux.md R4).

    It opens nothing and adds nobody: the sender decides, and writes to whom they like.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="+")
    """Whose link they had."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    """Who asks; their address is proved."""
    note = models.BinaryField(default=b"")
    """What they wrote to the sender, sealed (label "asked-sender")."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-at"], name="asked_sender_by_time")]


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
    """Assurance (access.md): 1 a mailed passcode, 2 a provider's sign-in, 3 a passkey, or a passcode and more."""
    factor_at = models.DateTimeField(null=True)
    """With level 3: when the passkey or app behind it was set up. What is younger than a message does not open it:
    else whoever has the mailbox would set one up first. Null counts as younger."""
    office = models.BooleanField(default=False, db_default=False)
    """An administrator's: it proves no mailbox, so it opens no message."""
    device = models.CharField(max_length=60, default="", db_default="", blank=True)
    """The browser as its owner knows it, like "Safari on iPhone"."""
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    idle_seconds = models.PositiveIntegerField()
    ends_at = models.DateTimeField()


class Authenticator(models.Model):
    """An authenticator app of a person, recipient or administrator: the second factor (RFC 6238). One a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="authenticator")
    session = models.ForeignKey(Session, on_delete=models.SET_NULL, null=True, related_name="+")
    """Where it is being set up: no other browser of the person is shown the secret. Null once it counts."""
    secret = models.BinaryField()
    """20 bytes, sealed under the directory key (label "authenticator")."""
    made_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """Since when it counts: one code from it was typed."""
    last_step = models.BigIntegerField(default=0)
    """The newest 30-second step whose code was taken; none is taken twice, and no older one."""


class RecoveryCode(models.Model):
    """One of the ten codes that stand in for a lost authenticator app, each once."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32)
    """HMAC of authenticator and code (label "recovery-code")."""
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authenticator", "digest"], name="recovery_code_once")]


class WrongFactor(models.Model):
    """A wrong code typed for an authenticator app; rows of the last day are the budget."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["authenticator", "-at"])]


class ProvedPhrase(models.Model):
    """That a signed-in browser knew the phrase agreed for one message: level 3 there, and nowhere else."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="proved_phrases")
    phrase = models.ForeignKey(Phrase, on_delete=models.CASCADE, related_name="+")
    """A new phrase is a new row, so this goes with the old one."""
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "phrase"], name="phrase_once_a_session")]


class EntryLink(models.Model):
    """A one-time sign-in link for an administrator, printed by `manage.py administrator` or mailed."""

    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the link's secret."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    mailed = models.BooleanField(default=False, db_default=False)
    """Then its page asks for the address too: a mail scanner that presses every button must not be let in."""
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Provider(models.Model):
    """Where people sign in with an account they have: Google, Microsoft, Yahoo, or an OpenID Connect issuer."""

    class Kind(models.TextChoices):
        GOOGLE = "google"
        MICROSOFT = "microsoft"
        YAHOO = "yahoo"
        OIDC = "oidc"
        """Any other, believed for the mail domains that its row names and for no other."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    slug = models.SlugField(max_length=40, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    """Which claims prove an address (portal.access.oidc.proofs)."""
    name = models.CharField(max_length=60)
    """As on the button: Continue with {name}."""
    issuer = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255)
    client_secret = models.BinaryField(default=b"")
    """Sealed (label "provider"); empty for a public client, which has none."""
    domains = models.JSONField(default=list)
    """Mail domains whose people are shown this button first; ["*"] of the kind `oidc` is any."""
    tenants = models.JSONField(default=dict)
    """Microsoft's tenants whose word on these domains is taken: {tenant id: [domain, ...]}."""
    brands = models.ManyToManyField(Brand, related_name="+")
    recipients = models.BooleanField(default=True)
    office = models.BooleanField(default=False)
    """Whether administrators may sign in here too."""
    enabled = models.BooleanField(default=True)
    private = models.BooleanField(default=False)
    """Whether it may be at an address of the own network, as the administrator said when adding it."""
    known = models.BinaryField(default=b"")
    """What it published about itself (portal.access.oidc.known), sealed (label "provider-known")."""
    known_at = models.DateTimeField(null=True)
    down_until = models.DateTimeField(null=True)
    """Until then it is not asked again, after it did not answer."""

    def __str__(self) -> str:
        return f"provider {self.slug}"


class SignIn(models.Model):
    """One way to a provider and back, for one browser: good once, and for ten minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    state = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the parameter `state`."""
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="+")
    """The message it was begun at; null for an administrator."""
    office = models.BooleanField(default=False)
    goal = models.CharField(max_length=120, default="", db_default="", blank=True)
    """The page of the office that an administrator came from (portal.access.office)."""
    browser = models.BinaryField(max_length=32)
    """SHA-256 of the browser cookie that began it; it ends in that browser only."""
    network = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """Keyed hash of the IPv4 /24 or IPv6 /48 it was begun from; empty where that is not known."""
    secrets = models.BinaryField()
    """Nonce and PKCE verifier, sealed (label "sign-in"): the browser and the provider see their digests at most."""
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, default="", blank=True)
    """Why it proved nothing (portal.access.oidc.flow), for the page that says so."""
    address = models.BinaryField(default=b"")
    """Another address that was proved instead, sealed (label "sign-in-address")."""

    class Meta:
        indexes = [
            models.Index(fields=["browser", "-made_at"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["network", "expires_at"], name="sign_in_by_network"),
        ]

    def __str__(self) -> str:
        return f"sign-in {self.id}"
