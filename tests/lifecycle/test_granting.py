"""Rights that are changed after a message was sent: at once, for one or all, bound to the keys, within its template."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.audit.models import Entry
from portal.ingest import pipeline
from portal.ingest.models import Spooled
from portal.lifecycle import changing, granting, resending
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.errors import NothingToChange, TemplateForbids, UnknownMessage
from portal.reading import files
from portal.vault import rotating
from portal.vault.errors import SealBroken
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from portal.vault.readers import rights_of
from portal.vault.rights import Rights
from portal.vault.verifying import verify
from tests.mails import JONAS, KARIN, mail
from tests.seals import path_of, reader_of, seal, signed_in

pytestmark = pytest.mark.django_db
BYTES = bytes(range(256)) * 4096 * 3


def sealed(wishes: str = "v=1", size: int = 300) -> Message:
    attached = [("scan.bin", "application/octet-stream", BYTES[:size])]
    return seal(mail("Results", "Good news.", headers=[("X-Letterlock-Protect", wishes)], files=attached), JONAS, KARIN)


def again(reader: Reader) -> Reader:
    return Reader.objects.select_related("message__brand").get(pk=reader.pk)


def test_downloading_is_turned_off_for_one_reader_and_not_for_the_other() -> None:
    message = sealed()
    jonas, karin = reader_of(message), reader_of(message, KARIN)
    assert granting.change_rights(message.pk, {"download": False}, address=JONAS) == 1
    for reader, status in ((jonas, 404), (karin, 200)):
        assert signed_in(reader).get(f"{path_of(reader)}/file/1").status_code == status
    assert open_message(again(jonas)).rights == Rights(download=False)
    assert open_message(again(karin)).rights == Rights()
    entry = Entry.objects.get(kind="message.rights_changed")
    assert (entry.message, entry.reader) == (message.pk, jonas.pk)
    assert entry.facts == {"granted": "", "refused": "download", "readers": 1, "who": "command line"}


def test_for_all_each_keeps_what_was_changed_for_them_alone() -> None:
    message = sealed()
    granting.change_rights(message.pk, {"print": False}, address=JONAS)
    assert granting.change_rights(message.pk, {"download": False, "copy": False}) == 3
    jonas, karin = again(reader_of(message)), again(reader_of(message, KARIN))
    assert rights_of(jonas) == Rights(download=False, copy=False, print=False)
    assert rights_of(karin) == Rights(download=False, copy=False)
    assert karin.rights is None  # the message itself says it, also for whoever is added later
    assert [open_message(reader).rights.download for reader in (jonas, karin)] == [False, False]


def test_what_was_changed_stays_through_rotation_and_another_date_and_is_verified() -> None:
    message = sealed()
    granting.change_rights(message.pk, {"download": False}, address=JONAS)
    changing.change_date(message.pk, timezone.now() + timedelta(days=90))
    rotating.begin(rotating.used_epochs(), timezone.now())
    rotating.make()
    assert rotating.move(lambda _: None).damaged == 0
    assert not verify(lambda _: None).troubles
    assert not open_message(again(reader_of(message))).rights.download
    assert granting.change_rights(message.pk, {"download": True}, address=JONAS) == 1
    assert open_message(again(reader_of(message))).rights.download


@pytest.mark.parametrize("stored", [None, Rights().encode(), Rights(download=True, forward=True).encode()])
def test_rights_that_are_written_into_the_database_open_nothing(stored: bytes | None) -> None:
    message = sealed()
    granting.change_rights(message.pk, {"download": False}, address=JONAS)
    Reader.objects.filter(pk=reader_of(message).pk).update(rights=stored)
    with pytest.raises(SealBroken):
        open_message(again(reader_of(message)))


def test_whoever_looked_just_before_reads_on_under_the_new_rights() -> None:
    message = sealed()
    before = again(reader_of(message))
    granting.change_rights(message.pk, {"download": False})
    assert not open_message(before).rights.download


def test_whoever_takes_a_wrong_readers_place_gets_their_rights() -> None:
    message = sealed()
    granting.change_rights(message.pk, {"download": False}, readers=[reader_of(message).pk])
    me = Actor(Who.SENDER, "1")
    made = resending.readdress(message.pk, reader_of(message).pk, "jb@web.example", by=me, why=Why.WRONG_PERSON)
    assert not open_message(again(made)).rights.download


def test_a_running_download_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    reader = reader_of(sealed(size=len(BYTES)))
    stream = iter(signed_in(reader).get(f"{path_of(reader)}/file/1").streaming_content)  # type: ignore[attr-defined]
    assert next(stream)
    granting.change_rights(reader.message_id, {"download": False}, address=JONAS)
    with pytest.raises(ConnectionAbortedError):
        next(stream)


def test_nothing_is_granted_beyond_the_template_and_taking_away_is_always_possible() -> None:
    message = sealed("v=1; template=do-not-forward")
    for name in ("forward", "download", "copy", "print"):
        with pytest.raises(TemplateForbids):
            granting.change_rights(message.pk, {name: True})
    granting.change_rights(message.pk, {"reply": False, "watermark": True})
    assert granting.change_rights(message.pk, {"reply": True}) == 3
    rights = rights_of(again(reader_of(message)))
    assert (rights.reply, rights.reply_all, rights.watermark) == (True, True, True)
    marked = sealed("v=1; template=view-only")
    with pytest.raises(TemplateForbids):
        granting.change_rights(marked.pk, {"watermark": False})


def test_what_changes_nothing_or_nobody_is_said_and_not_recorded() -> None:
    message = sealed()
    with pytest.raises(NothingToChange):
        granting.change_rights(message.pk, {"download": True})
    with pytest.raises(UnknownMessage):
        granting.change_rights(message.pk, {"download": False}, address="nobody@mail.example")
    with pytest.raises(UnknownMessage):
        granting.change_rights(message.pk, {"download": False}, readers=[reader_of(sealed()).pk])
    with pytest.raises(ValueError, match="no such right"):
        granting.change_rights(message.pk, {"level": False})
    assert not Entry.objects.filter(kind="message.rights_changed").exists()


def test_what_is_forwarded_is_under_the_rights_of_whoever_forwards_it() -> None:
    message = sealed("v=1; fwd=1")
    granting.change_rights(message.pk, {"print": False}, address=JONAS)
    reader = reader_of(message)
    sent = signed_in(reader).post(
        f"{path_of(reader)}/forward", {"do": "send", "to": "otto@web.example", "message": "See."}
    )
    assert sent.status_code == 303
    pipeline.process()
    forwarded = Message.objects.exclude(pk=message.pk).get()
    assert not Rights.decode(bytes(forwarded.rights)).print


def test_a_forward_is_held_where_rights_were_written_into_the_database_meanwhile() -> None:
    message = sealed("v=1; fwd=1; dl=0")
    reader = reader_of(message)
    sent = signed_in(reader).post(
        f"{path_of(reader)}/forward", {"do": "send", "to": "otto@web.example", "message": "See."}
    )
    assert sent.status_code == 303
    Reader.objects.filter(pk=reader.pk).update(rights=Rights(forward=True, download=True).encode())
    pipeline.process()
    assert not Message.objects.exclude(pk=message.pk).exists()
    assert Spooled.objects.exclude(pk=message.pk).get().state == Spooled.State.HELD


def test_the_command_shows_and_changes_them() -> None:
    message, said = sealed(), io.StringIO()
    call_command("rights", str(message.pk), "--no-download", "--reader", JONAS, stdout=said)
    call_command("rights", str(message.pk), stdout=said)
    assert "Changed for 1 reader," in said.getvalue()
    assert "All readers: reply on, reply-all on, forward off, copy on, print on, download on" in said.getvalue()
    assert "download off" in said.getvalue()
    with pytest.raises(SystemExit, match="already"):
        call_command("rights", str(message.pk), "--no-download", "--reader", JONAS)
