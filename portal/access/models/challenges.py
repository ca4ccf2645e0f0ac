"""Requests for a passcode: devices of django-otp that live for 15 minutes and store no code."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp.models import Device, VerifyNotAllowed

from branding.models import Brand
from portal.access import codes
from portal.access.errors import PasscodeDead, PasscodeOld, PasscodeRefused, PasscodeUsed
from portal.access.models.people import Person
from portal.delivery.queue import enqueue
from portal.ids import made_at
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Reader

GUESSES = 5
"""Right or wrong, over all resends of one challenge."""
LIFE = timedelta(minutes=15)
LONGEST = timedelta(hours=2)
"""Since it was first asked for, however often its passcode is mailed again."""


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
    language = models.CharField(max_length=10, default="", db_default="", blank=True)
    """That of the page which asked: the mail speaks it too."""
    round = models.PositiveSmallIntegerField(default=1)
    """Goes up at each resend; the code depends on it, so old codes die."""
    guesses = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    began = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """SHA-256 of the token of the session that its proof began; empty before that, and on errands."""

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
        return PasscodeOld() if self.is_over(now) else None

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed. Who writes the database can move `expires_at`, and bring an old row back; when
        it was made says its id as well, and to that the passcode is bound."""
        # Challenges of the version before have ids that say nothing of time.
        ends = made_at(self.public_id) + LONGEST if self.public_id.version == 7 else self.expires_at
        return now >= min(ends, self.expires_at)

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
        if self.is_over(now):
            return False
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

    def verify_again(self, token: str) -> bool:
        """Count and compare a guess at what was used already: for a browser that never got the answer to its proof."""
        same = Challenge.objects.filter(pk=self.pk, round=self.round, used_at__isnull=False, guesses__lt=GUESSES)
        if not same.filter(expires_at__gt=timezone.now()).update(guesses=F("guesses") + 1):
            return False
        self.guesses += 1
        return codes.same(codes.digits_of(token), self.code())

    def _has_mailbox(self) -> bool:
        """Whether the code can have been mailed to anyone. On the neutral page anyone may type anything."""
        return (
            self.errand != ""
            or self.reader_id is not None
            or readers.of_person(bytes(self.address_lookup), self.brand).exists()
        )
