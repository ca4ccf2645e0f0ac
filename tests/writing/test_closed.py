"""A closed message can still be answered for some days, by whom it was sent to, and nothing of it is shown for that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.ingest.models import Spooled
from portal.vault import destroying
from portal.vault.models import Message, Reader, Unsent
from portal.vault.opening import open_message
from portal.vault.rights import Rights
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Reader:
    """Of a message that closed yesterday, and whose keys are destroyed."""
    found = reader_of(seal(mail("[secure] canary-subject", "canary-body"), JONAS, KARIN))
    close(found)
    return found


def close(reader: Reader, days: float = 1.5) -> None:
    Message.objects.filter(pk=reader.message_id).update(open_until=timezone.now() - timedelta(days=days))
    destroying.destroy_due(timezone.now())
    reader.message.refresh_from_db()
    assert reader.message.destroyed_at is not None


def press(client: Client, reader: Reader, do: str = "send", text: str = "Too late?", **more: Any) -> Any:
    headers = more.pop("headers", None)
    return client.post(f"{path_of(reader)}/reply", {"do": do, "message": text, **more}, headers=headers)


def test_it_is_answered_without_a_word_of_it(reader: Reader) -> None:
    client = signed_in(reader)
    closed = client.get(path_of(reader))
    assert closed.status_code == 410
    assert "You can still answer Dr Maya Lindqvist until" in words(closed.content)
    page = client.get(f"{path_of(reader)}/reply")
    assert page.status_code == 200
    for secret in ("canary", "Include the original", "data-files", "data-draft", "Save draft</button> <button"):
        assert secret not in page.content.decode()
    done = press(client, reader, files=[SimpleUploadedFile("scan.pdf", b"%PDF")], original="on")
    assert "/sent/" in done["Location"]
    assert "To: Dr Maya Lindqvist" in words(client.get(done["Location"]).content)
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    answer = Message.objects.get(pk=row.pk)
    opened = open_message(reader_of(answer, MAYA))
    assert opened.body(opened.toc.text).strip() == "Too late?"
    assert opened.toc.subject.startswith("Re: your message of ")
    assert [file.name for file in opened.toc.files] == ["scan.pdf"]
    assert answer.thread == reader.message.thread
    assert opened.toc.in_reply_to


def test_no_draft_is_kept_and_the_form_says_so(reader: Reader) -> None:
    client = signed_in(reader)
    page = press(client, reader, "save")
    assert page.status_code == 422
    assert "no draft is kept" in words(page.content)
    assert "Too late?</textarea>" in page.content.decode()
    assert press(client, reader, "save", headers={"Accept": "application/json"}).status_code == 403
    assert press(client, reader, text="  ").status_code == 422
    assert not Unsent.objects.exists()
    assert Spooled.objects.count() == 1


def test_files_of_a_draft_that_went_with_the_key_are_asked_for_again(reader: Reader) -> None:
    page = press(signed_in(reader), reader, kept=["01a215ba87a777a8b7d619e75f8771d7"])
    assert page.status_code == 422
    assert "Choose your files again" in words(page.content)
    assert "Too late?</textarea>" in page.content.decode()
    assert Spooled.objects.count() == 1


def test_only_who_could_read_it_may(reader: Reader) -> None:
    for other in (Client(HTTP_HOST=HOST), signed_in(reader_of(reader.message, KARIN))):
        press(other, reader)
    maya = reader_of(reader.message, MAYA)
    press(signed_in(maya), maya)
    client = signed_in(reader)
    for kind in ("reply-all", "forward"):
        assert client.post(f"{path_of(reader)}/{kind}", {"do": "send", "message": "x"}).status_code == 410
    assert client.post(f"{path_of(reader)}/reply/files", {"name": "a", "size": "1"}).status_code == 410
    assert Spooled.objects.count() == 1


@pytest.mark.parametrize("why", ["too late", "switched off", "withdrawn", "withdrawn from them", "no right", "level"])
def test_it_is_refused(reader: Reader, why: str) -> None:
    client, message = signed_in(reader), Message.objects.filter(pk=reader.message_id)
    assert client.get(f"{path_of(reader)}/reply").status_code == 200
    if why == "too late":
        message.update(open_until=timezone.now() - timedelta(days=7, minutes=1))
    elif why == "switched off":
        call_command("brand", "set", reader.message.brand.slug, "--reply-after-days", "off")
        assert Brand.objects.get().reply_after_days == 0
    elif why == "withdrawn":
        message.update(state=Message.State.WITHDRAWN)
    elif why == "withdrawn from them":
        Reader.objects.filter(pk=reader.pk).update(withdrawn_at=timezone.now())
    elif why == "level":
        message.update(rights=Rights(level=3).encode())
    else:
        message.update(rights=Rights(reply=False).encode())
    assert client.get(f"{path_of(reader)}/reply").status_code == 410
    page = press(client, reader)
    assert page.status_code == 410
    assert "Too late?" in page.content.decode(), "the text is shown, to be copied"
    assert "You can still answer" not in words(client.get(path_of(reader)).content)
    assert Spooled.objects.count() == 1
