"""A file that an administrator gave, sealed until they have seen what it changes and said yes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from portal.directory.models import Upload
from portal.keys.service import keys

LIFE = timedelta(minutes=30)
MOST_BYTES = 8_000_000
"""Of a file given on a page; `manage.py directory import` takes larger ones."""
_LABEL = "directory-upload"


def park(data: bytes, source: str, *, removes_missing: bool, by: UUID) -> UUID:
    """Keep a file for half an hour, in the place of one that the same person gave before."""
    now = timezone.now()
    sweep(now)
    Upload.objects.filter(by=by).delete()
    number = uuid4()
    Upload.objects.create(
        id=number,
        sealed=keys().seal_field(_LABEL, number, data),
        source=source,
        removes_missing=removes_missing,
        by=by,
        expires_at=now + LIFE,
    )
    return number


def sweep(now: datetime) -> None:
    """Delete what has had its half hour."""
    Upload.objects.filter(expires_at__lte=now).delete()


def find(number: UUID, by: UUID) -> Upload | None:
    """Only whoever gave a file finds it, and only in its half hour."""
    return Upload.objects.filter(pk=number, by=by, expires_at__gt=timezone.now()).first()


def data_of(upload: Upload) -> bytes:
    return keys().open_field(_LABEL, upload.id, bytes(upload.sealed))
