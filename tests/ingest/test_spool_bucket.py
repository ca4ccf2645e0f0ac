"""The spool in a bucket: durable there before its row, opened by any host, swept of what was never answered 250."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from portal.ingest import pipeline, spool, spoolbucket
from portal.ingest.errors import SpoolMissing, SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, SpoolWriter, commit_all, open_spooled
from portal.ingest.sweeping import UNKNOWN, sweep_orphans
from portal.operations.preparing import make_default_brand
from portal.vault.blobstore import Store
from portal.vault.errors import BlobsUnavailable
from tests.mails import JONAS, MAYA, mail
from tests.servers import S3, free_port

pytestmark = pytest.mark.servers
ENVELOPE = Envelope(MAYA, (JONAS,), "api", trusted=True)
SMALL, LARGE = 3_000, 9_000_000
"""Stays in memory; is written to the folder first, and is more than one part of an upload."""


@pytest.fixture
def bucket(s3: S3, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, spool_folder: Path) -> Iterator[Store]:
    for name, value in S3.environment.items():
        monkeypatch.setenv(name, value)
    use(settings, s3.url.replace("/blobs?", "/spool?"))
    store = spoolbucket.bucket()
    assert store is not None
    yield store
    for item in list(store.stored()):
        store.delete(item.blob)


def use(settings: LazySettings, url: str) -> None:
    settings.LETTERLOCK = dataclasses.replace(settings.LETTERLOCK, spool_url=url)


def away(settings: LazySettings) -> None:
    use(settings, f"s3://letterlock/spool?endpoint=http://127.0.0.1:{free_port()}&region=eu-north-1")


def written(content: bytes) -> SpoolWriter:
    writer = SpoolWriter.begin(ENVELOPE)
    writer.write(content)
    return writer


def spooled(content: bytes) -> Spooled:
    return Spooled.objects.get(pk=written(content).commit())


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def objects(store: Store) -> set[object]:
    return {item.blob for item in store.stored()}


@pytest.mark.django_db
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_mail_comes_back_whole_without_the_folder_of_the_host_that_took_it(
    bucket: Store, spool_folder: Path, size: int
) -> None:
    content = os.urandom(size)
    row = spooled(content)
    assert files(spool_folder) == []
    assert objects(bucket) == {row.pk}
    opened = open_spooled(row)
    assert (opened.read(), opened.envelope) == (content, ENVELOPE)
    spool.remove(row)
    spool.remove(row)
    assert objects(bucket) == set()
    with pytest.raises(SpoolMissing):
        open_spooled(row)


@pytest.mark.django_db
def test_what_lies_in_the_bucket_shows_neither_who_nor_what(bucket: Store) -> None:
    row = spooled(b"Subject: canary-7c1f\r\n\r\n" + b"canary-7c1f" * 9)
    with bucket.open(row.pk) as source:
        stored = source.read_at(0, source.size)
    assert b"canary" not in stored and b"example" not in stored


@pytest.mark.django_db
@pytest.mark.parametrize("size", [SMALL, 500_000])
def test_a_bucket_that_is_away_takes_nothing_and_nothing_is_kept(
    bucket: Store, spool_folder: Path, settings: LazySettings, size: int
) -> None:
    away(settings)
    with pytest.raises(SpoolUnavailable, match="nothing was kept"):
        written(bytes(size)).commit()
    assert not Spooled.objects.exists()
    assert files(spool_folder) == []


@pytest.mark.django_db
def test_a_bucket_that_is_not_there_is_a_reason_to_try_again_later(bucket: Store, settings: LazySettings) -> None:
    use(settings, settings.LETTERLOCK.spool_url.replace("//letterlock/", "//nobody/"))
    with pytest.raises(SpoolUnavailable):
        written(b"x").commit()


@pytest.mark.django_db
def test_mail_waits_while_the_bucket_is_away_and_is_sealed_when_it_is_back(
    bucket: Store, settings: LazySettings
) -> None:
    make_default_brand(settings.LETTERLOCK)
    here, row = settings.LETTERLOCK.spool_url, spooled(mail())
    away(settings)
    with pytest.raises(BlobsUnavailable):
        open_spooled(row)
    assert pipeline.process() == 1
    row.refresh_from_db()
    assert row.state == Spooled.State.RECEIVED and "LETTERLOCK_SPOOL_URL" in row.last_error
    use(settings, here)
    Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now())
    assert pipeline.process() == 1
    row.refresh_from_db()
    assert row.state == Spooled.State.DONE
    assert objects(bucket) == set()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_in_the_bucket_when_the_row_is_refused(bucket: Store, spool_folder: Path) -> None:
    writers = [written(b"x"), written(bytes(500_000))]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            outcomes = commit_all(writers)
        finally:
            cursor.execute("PRAGMA query_only = OFF")
    assert all(isinstance(outcome, SpoolUnavailable) for outcome in outcomes)
    assert objects(bucket) == set()
    assert files(spool_folder) == []


@pytest.mark.django_db
@pytest.mark.parametrize("size", [SMALL, 500_000])
def test_a_discarded_mail_leaves_nothing(bucket: Store, spool_folder: Path, size: int) -> None:
    writer = written(bytes(size))
    writer.discard()
    assert objects(bucket) == set() and files(spool_folder) == []


@pytest.mark.django_db
def test_objects_older_than_a_day_that_are_over_go_and_those_without_a_row_are_held(
    bucket: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, over, lost = spooled(b"kept"), spooled(b"over"), spooled(b"lost")
    Spooled.objects.filter(pk=over.pk).update(state=Spooled.State.DONE)
    Spooled.objects.filter(pk=lost.pk).delete()
    soon, later = timezone.now() + timedelta(hours=3), timezone.now() + timedelta(hours=25)
    # A clock that is hours ahead takes nothing that is being taken in.
    assert spoolbucket.sweep(bucket, soon) == (0, [])
    assert objects(bucket) == {kept.pk, over.pk, lost.pk}
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert sweep_orphans() == 1
    assert objects(bucket) == {kept.pk, lost.pk}
    assert open_spooled(kept).read() == b"kept"
    held = Spooled.objects.get(state=Spooled.State.HELD)
    assert (held.pk, held.last_error, held.size) == (lost.pk, UNKNOWN, 4)
    assert open_spooled(held).read() == b"lost"
