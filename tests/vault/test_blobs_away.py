"""While the blob store is away mail waits and readers are told so; nothing is lost, blamed or recorded as damage."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.vault.models import Message
from portal.vault.opening import open_message
from tests.mails import mail
from tests.seals import path_of, put, reader_of, seal, signed_in, turn

pytestmark = pytest.mark.django_db
SCAN = os.urandom(3_000_000)


class Places:
    """The store of this test, there or away."""

    def __init__(self, settings: LazySettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        (folder / "file").write_text("a file, below which no folder can be")
        self.back()

    def away(self) -> None:
        self._use(self._folder / "file" / "blobs")

    def back(self) -> None:
        self._use(self._folder / "blobs")

    def _use(self, folder: Path) -> None:
        self._settings.LETTERLOCK = dataclasses.replace(self._settings.LETTERLOCK, blob_url=f"file://{folder}")


@pytest.fixture
def places(settings: LazySettings, tmp_path: Path) -> Places:
    return Places(settings, tmp_path)


def large() -> bytes:
    return mail(files=[("scan.pdf", "application/pdf", SCAN)])


def test_a_large_mail_waits_in_the_spool_and_is_sealed_when_the_store_is_back(places: Places) -> None:
    places.away()
    row = put(large())
    for _ in range(8):  # longer than a mail that is itself at fault is tried
        assert row.state == Spooled.State.RECEIVED
        assert "LETTERLOCK_BLOB_URL" in row.last_error
        Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now(), leased_until=None)
        row = turn(row.pk)
    assert not Message.objects.exists()
    assert seal(mail()).blobs.count() == 0  # what fits into its row needs no blob store
    places.back()
    Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now(), leased_until=None)
    assert turn(row.pk).state == Spooled.State.DONE
    opened = open_message(reader_of(Message.objects.get(pk=row.pk)))
    assert b"".join(opened.chunks(opened.toc.files[0])) == SCAN


def test_a_reader_gets_the_page_and_is_told_to_come_back_for_the_file(places: Places) -> None:
    reader = reader_of(seal(large()))
    browser = signed_in(reader)
    places.away()
    assert browser.get(path_of(reader)).status_code == 200
    refused = browser.get(f"{path_of(reader)}/file/1")
    assert refused.status_code == 503
    assert refused["Retry-After"]
    assert not Entry.objects.filter(kind="message.damaged").exists()
    places.back()
    assert b"".join(browser.get(f"{path_of(reader)}/file/1").streaming_content) == SCAN
