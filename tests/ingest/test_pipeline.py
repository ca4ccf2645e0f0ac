"""The pipeline: what is protected, relayed, held, and what a sealed message holds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from portal.audit.record import timeline
from portal.celery import PROCESS, PROCESS_BULK, app
from portal.delivery.models import Outbound
from portal.ingest import drafting, holding, pipeline, spool, spoolfolder
from portal.ingest.models import Spooled
from portal.vault import sealing
from portal.vault.errors import SealBroken
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import default_brand, put, reader_of, seal, turn

pytestmark = pytest.mark.django_db
S = Spooled.State


@pytest.mark.parametrize("subject", ["[encrypt] Results", "[SECURE] Results", "Results [Protect]"])
def test_a_tag_in_the_subject_protects_and_is_removed(subject: str) -> None:
    message = seal(mail(subject))
    assert open_message(reader_of(message)).toc.subject == "Results"


@pytest.mark.parametrize("header", [("X-Letterlock-Protect", "v=1"), ("Sensitivity", "Company-Confidential")])
def test_a_header_protects(header: tuple[str, str]) -> None:
    assert seal(mail("Results", headers=[header])).state == Message.State.OPEN


def test_the_trigger_sets_rights_and_date() -> None:
    day = (timezone.localdate() + timedelta(days=9)).isoformat()
    message = seal(mail("Results", headers=[("X-Letterlock-Protect", f"v=1; until={day}; dl=0; print=0")]))
    rights = open_message(reader_of(message)).rights
    assert (rights.download, rights.print, rights.reply) == (False, False, True)
    assert message.open_until is not None
    assert timezone.localtime(message.open_until).date().isoformat() == day


def test_a_trigger_from_elsewhere_counts_for_nothing_and_never_leaves() -> None:
    row = put(mail("Lunch", headers=[("X-Letterlock-Protect", "v=1; dl=0")]), trusted=False)
    assert row.state == S.RELAYING
    from portal.delivery.letters import prepare

    prepared = prepare(Outbound.objects.get(message=row.pk))
    assert prepared is not None
    sent = b"".join(prepared.data)
    assert b"X-Letterlock-Protect" not in sent
    assert b"Subject: Lunch" in sent


def test_mail_that_no_rule_speaks_of_is_relayed_byte_for_byte() -> None:
    from portal.delivery.letters import prepare

    raw = mail("Lunch", files=[("menu.bin", "application/pdf", bytes(range(256)) * 900)])
    row = put(raw, JONAS, KARIN)
    assert row.state == S.RELAYING
    rows = Outbound.objects.filter(message=row.pk)
    assert {outbound.kind for outbound in rows} == {"relay"}
    prepared = [prepare(outbound) for outbound in rows]
    assert {p.recipient for p in prepared if p} == {JONAS, KARIN}
    for p in prepared:
        seal, _, rest = b"".join(p.data if p else ()).partition(b"\r\n")
        assert seal.startswith(b"X-Letterlock-Seal: v=1; ")
        assert rest == raw
    assert not Message.objects.exists()


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"junk\r\n", b"\0\r\n", b"From: Maya\r\njunk\r\n"], ids=repr)
@pytest.mark.parametrize(
    "wish",
    [
        b"X-Letterlock-Protect: v=1",
        b"x-letterlock-protect:\r\n v=1",
        b"Subject: [secure] Results",
        b"Subject: =?utf-8?b?W3NlY3VyZV0=?= Results",
        b"Sensitivity: Company-Confidential",
    ],
    ids=repr,
)
def test_a_wish_in_a_header_that_breaks_off_is_still_a_wish(start: bytes, wish: bytes) -> None:
    row = put(start + wish + b"\r\nTo: jonas\r\n\r\nThe scan shows no new tear.\r\n")
    assert Message.objects.filter(pk=row.pk).exists()
    assert not Outbound.objects.filter(kind="relay").exists()


def test_a_body_may_speak_of_wishes() -> None:
    for raw in (
        b"Subject: Lunch\r\n\r\nSubject: [secure] is how one asks\r\n",
        b"No header, and then\r\n\r\nSubject: [secure]\r\n",
        b"\r\nSubject: [secure]\r\n",
    ):
        assert put(raw).state == Spooled.State.RELAYING


def test_the_largest_mail_may_take_its_lease_and_its_task_outlives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow bucket is no poison: at half a MiB a second, 150 MiB take 600 s, twice written."""
    default_brand()
    largest = settings.LETTERLOCK.max_message_bytes
    writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS,), "smtp", True))
    writer.write(mail())
    id_ = writer.commit()
    Spooled.objects.update(size=largest)
    given: list[float] = []

    def slow(_: Spooled) -> None:
        until = Spooled.objects.get(pk=id_).leased_until
        assert until is not None
        given.append((until - timezone.now()).total_seconds())
        raise OSError

    monkeypatch.setattr(spool, "open_spooled", slow)
    pipeline.process()
    assert given[0] >= 2 * largest / (512 << 10)
    app.loader.import_default_modules()
    for name in (PROCESS, PROCESS_BULK):
        assert app.tasks[name].time_limit > pipeline.BATCH_SECONDS + given[0]


def test_a_relayed_mail_is_done_when_everyone_has_it() -> None:
    row = put(mail("Lunch"), JONAS, KARIN)
    Outbound.objects.filter(message=row.pk).update(state=Outbound.State.SENT)
    Spooled.objects.update(due_at=timezone.now())
    assert turn(row.pk).state == S.DONE
    assert not (spoolfolder.folder() / str(row.pk)).exists()


def test_a_relayed_mail_refused_for_one_is_held_and_tried_again_for_that_one_only() -> None:
    row = put(mail("Lunch"), JONAS, KARIN)
    first, second = Outbound.objects.filter(message=row.pk)
    Outbound.objects.filter(pk=first.pk).update(state=Outbound.State.SENT)
    Outbound.objects.filter(pk=second.pk).update(state=Outbound.State.FAILED)
    Spooled.objects.update(due_at=timezone.now())
    assert turn(row.pk).state == S.HELD
    assert (spoolfolder.folder() / str(row.pk)).exists()
    holding.release(Spooled.objects.get(pk=row.pk))
    states = dict(Outbound.objects.filter(message=row.pk).values_list("pk", "state"))
    assert states == {first.pk: Outbound.State.SENT, second.pk: Outbound.State.DUE}
    assert Spooled.objects.get(pk=row.pk).state == S.RELAYING


def test_every_recipient_gets_a_notice_and_the_author_a_copy() -> None:
    message = seal(mail(), JONAS, KARIN)
    assert Outbound.objects.filter(message=message.pk, kind="notice").count() == 2
    roles = sorted(message.readers.values_list("role", flat=True))
    assert roles == [Reader.Role.AUTHOR, Reader.Role.RECIPIENT, Reader.Role.RECIPIENT]


def test_a_recipient_named_twice_is_one_reader() -> None:
    assert seal(mail(), JONAS, JONAS.upper()).readers.filter(role=Reader.Role.RECIPIENT).count() == 1


def test_a_sealed_message_holds_the_original_and_every_part() -> None:
    small, large = b"small", bytes(range(256)) * 4000
    raw = mail(files=[("small.txt", "text/plain", small), ("large.bin", "application/pdf", large)], html="<p>Hi</p>")
    message = seal(raw)
    opened = open_message(reader_of(message))
    assert b"".join(opened.original()) == raw
    assert [b"".join(opened.chunks(file)) for file in opened.toc.files] == [small, large]
    assert [file.sha256 for file in opened.toc.files] == [hashlib.sha256(data).digest() for data in (small, large)]
    assert b"".join(opened.chunks(opened.toc.files[1], 1000, 70_000)) == large[1000:71_000]
    assert {blob.name for blob in message.blobs.all()} == {"original", "part/2"}


def test_a_long_body_is_a_stream_of_its_own() -> None:
    text = "\n".join(f"Line {number} of a very long letter." for number in range(20_000))
    opened = open_message(reader_of(seal(mail(text=text))))
    assert opened.toc.text.here == ""
    assert "Line 19999 of a very long letter." in opened.body(opened.toc.text)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: [secure] x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\0\0\xff\xfe",
        b"Subject: [secure] x\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+ADw-b+AD4-",
    ],
)
def test_whatever_comes_in_goes_somewhere(raw: bytes, settings: pytest.FixtureRequest) -> None:
    row = put(raw)
    assert row.state in (S.DONE, S.RELAYING)
    assert row.last_error == ""


def test_mail_that_is_no_mime_is_shown_as_text_with_its_original() -> None:
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(1_001))
    raw = (
        b"From: a@b.example\r\nSubject: [secure] x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + parts
        + b"--b--\r\n"
    )
    opened = open_message(reader_of(seal(raw)))
    assert not opened.toc.readable
    assert b"".join(opened.original()) == raw


def test_an_answer_to_a_protected_message_is_protected_without_a_tag() -> None:
    first = seal(mail("[secure] Results"))
    message_id = open_message(reader_of(first)).toc.message_id
    second = seal(mail("Re: Results", headers=[("In-Reply-To", message_id)]))
    assert second.thread == first.thread


def test_a_spool_file_that_was_changed_is_held_not_shown() -> None:
    default_brand()
    writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS,), "smtp", True), 0)
    writer.write(mail())
    id_ = writer.commit()
    path = spoolfolder.folder() / str(id_)
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    row = turn(id_)
    assert row.state == S.HELD
    assert "damaged" in row.last_error or "not as it was" in row.last_error
    assert not Message.objects.exists()


def test_the_record_tells_how_it_went_without_content() -> None:
    message = seal(mail("[secure] Kanarienvogel", "Kanarienvogel"))
    entries = list(timeline(message.pk))
    assert [entry.kind for entry in entries[:2]] == ["message.accepted", "message.sealed"]
    assert "Kanarienvogel" not in str([entry.facts for entry in entries])
    assert JONAS not in str([entry.facts for entry in entries])


class Died(BaseException):
    """What ends a worker's process in the middle of a mail: nothing in it catches that."""


def spooled(count: int, *, bulk: bool = False) -> list[UUID]:
    """Mails that wait in the spool."""
    default_brand()
    ids = []
    for _ in range(count):
        writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS,), "smtp", True), 0)
        writer.bulk = bulk
        writer.write(mail())
        ids.append(writer.commit())
    return ids


def leases_end() -> None:
    Spooled.objects.exclude(leased_until=None).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_mail_that_ends_its_worker_each_time_is_held_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = spooled(5)
    opening = spool.open_spooled

    def die(row: Spooled) -> object:
        if row.pk == ids[1]:
            raise Died
        return opening(row)

    with monkeypatch.context() as poison:
        poison.setattr(spool, "open_spooled", die)
        for _ in range(pipeline.STARTS_BEFORE_HELD):
            with pytest.raises(Died):
                pipeline.process()
            leases_end()
        pipeline.process()
    states = dict(Spooled.objects.values_list("pk", "state"))
    assert states.pop(ids[1]) == S.HELD
    assert set(states.values()) == {S.DONE}
    assert Message.objects.count() == 4
    holding.release(Spooled.objects.get(pk=ids[1]))
    assert turn(ids[1]).state == S.DONE


def test_one_mail_that_cannot_be_written_does_not_stop_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = spooled(4)
    commit = sealing.commit_all

    def broken(drafts: Sequence[tuple[sealing.Draft, sealing.Sealed]]) -> object:
        if any(draft.id == ids[2] for draft, _ in drafts):
            raise IntegrityError
        return commit(drafts)

    monkeypatch.setattr(sealing, "commit_all", broken)
    pipeline.process()
    states = dict(Spooled.objects.values_list("pk", "state"))
    assert states.pop(ids[2]) == S.RECEIVED
    assert set(states.values()) == {S.DONE}
    # What was undone with the group was not done twice.
    assert Outbound.objects.count() == Message.objects.count() == 3
    assert not Spooled.objects.get(pk=ids[2]).unfinished


def test_one_mail_that_another_worker_took_over_and_finished_does_not_stop_those_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its file is another mail's by then: nothing is held for that, and nothing said of it."""
    ids = spooled(3)
    opening = spool.open_spooled

    def overtaken(row: Spooled) -> object:
        if row.pk == ids[0]:
            Spooled.objects.filter(pk=row.pk).update(leased_by="another", state=S.DONE)
            raise SealBroken
        return opening(row)

    monkeypatch.setattr(spool, "open_spooled", overtaken)
    assert pipeline.process() == 3
    assert set(Spooled.objects.values_list("state", flat=True)) == {S.DONE}
    assert Message.objects.count() == 2


def test_bulk_mail_and_ordinary_mail_do_not_wait_for_each_other() -> None:
    bulk, ordinary = spooled(3, bulk=True), spooled(2)
    assert pipeline.process() == 2
    assert set(Spooled.objects.filter(state=S.DONE).values_list("pk", flat=True)) == set(ordinary)
    assert set(Outbound.objects.values_list("bulk", flat=True)) == {False}
    assert pipeline.process(bulk=True) == 3
    assert set(Outbound.objects.filter(bulk=True).values_list("message", flat=True)) == set(bulk)


def test_something_unforeseen_holds_one_mail_after_a_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the text of this could hold content")

    monkeypatch.setattr(drafting, "draft", broken)
    row = put(mail())
    for _ in range(pipeline.STARTS_BEFORE_HELD + 1):
        assert "content" not in Spooled.objects.get(pk=row.pk).last_error
        Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now())
        row = turn(row.pk)
    assert row.state == S.HELD


def test_an_outage_is_waited_for_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.keys.errors import ProviderUnavailable

    def away(*_: object) -> None:
        raise ProviderUnavailable

    with monkeypatch.context() as outage:
        outage.setattr(sealing, "seal_streams", away)
        row = put(mail())
        for _ in range(12):
            Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now())
            row = turn(row.pk)
    assert row.state == S.RECEIVED
    assert row.attempts == 13
    Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now())
    assert turn(row.pk).state == S.DONE
