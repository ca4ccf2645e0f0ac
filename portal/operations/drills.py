"""Recovery drills: does somebody still have the private half of the recovery key, and can they use it?"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.keys.recovery import RecoveryPrivate, RecoveryPublic
from portal.operations.errors import KeysRefused
from portal.operations.models import RecoveryDrill

PURPOSE = "recovery-drill"
HEAD = b"letterlock-drill-1\n"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _EACH = 4, 4


def is_possible() -> bool:
    """Whether the portal knows the public half (LETTERLOCK_RECOVERY_KEY)."""
    return settings.LETTERLOCK.recovery_key is not None


def begin(by: str) -> None:
    """Seal a new random code to the recovery key; an older one counts no more. RecoveryKeyBad, KeysRefused."""
    path = settings.LETTERLOCK.recovery_key
    if path is None:
        raise KeysRefused("LETTERLOCK_RECOVERY_KEY names no recovery key. Make one: manage.py keys pair.")
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_EACH)) for _ in range(_GROUPS))
    sealed = RecoveryPublic.load(path).seal(PURPOSE, code.encode())
    with transaction.atomic():
        RecoveryDrill.objects.filter(passed_at=None).delete()
        RecoveryDrill.objects.create(asked_at=timezone.now(), sealed=sealed, digest=_digest(code))
        record("keys.drill_begun", by=by)


def current() -> RecoveryDrill | None:
    """The one whose code nobody has read out yet."""
    return RecoveryDrill.objects.filter(passed_at=None).first()


def last_passed() -> RecoveryDrill | None:
    """The last one that was passed."""
    return RecoveryDrill.objects.filter(passed_at__isnull=False).order_by("-passed_at").first()


def file_of(drill: RecoveryDrill) -> bytes:
    """What is carried to where the private half is."""
    return HEAD + bytes(drill.sealed)


def answer(code: str, by: str) -> bool:
    """Whether this is the code; then the drill is passed."""
    drill = current()
    if drill is None or not hmac.compare_digest(bytes(drill.digest), _digest(code)):
        return False
    with transaction.atomic():
        RecoveryDrill.objects.filter(pk=drill.pk).update(passed_at=timezone.now())
        record("keys.drill_passed", by=by)
    return True


def read(file: bytes, private: RecoveryPrivate) -> str:
    """The code in such a file. Raises KeysRefused for another file, WrapRefused for another key."""
    if not file.startswith(HEAD):
        raise KeysRefused("This is no file of a recovery drill.")
    return private.open(PURPOSE, file[len(HEAD) :]).decode()


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(code.lower().split()).replace("-", "").encode()).digest()
