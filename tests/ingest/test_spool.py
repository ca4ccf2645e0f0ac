"""The spool: what is answered 250 is on disk, sealed, and has its row; everything else leaves nothing."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import cbor2
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.ids import new_id
from portal.ingest import holding, pipeline, spool, spoolfolder
from portal.ingest.errors import SpoolDamaged, SpoolMissing, SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, SpoolWriter, commit_all, open_spooled
from portal.ingest.sweeping import UNKNOWN, sweep_orphans
from portal.keys.errors import ProviderUnavailable
from portal.keys.service import DOOR_GRACE_DAYS, KeyService
from portal.mime.dsn import Dsn
from portal.operations import tidying
from portal.operations.preparing import make_default_brand
from portal.vault.errors import SealBroken
from tests.durable import Disk
from tests.ingest.conftest import empty

ENVELOPE = Envelope(
    "maya@aldervalley.example",
    ("jonas@mail.example", "jürgen@bücher.example"),
    "smtp",
    trusted=True,
    connector="office",
    dsn=(Dsn("NEVER", returned="HDRS"), Dsn(returned="HDRS")),
)
CANARY = b"canary-7c1f"


def spooled(content: bytes = b"Subject: x\r\n\r\nHello.\r\n", expected_size: int = 0) -> Spooled:
    writer = SpoolWriter.begin(ENVELOPE, expected_size)
    writer.write(content)
    return Spooled.objects.get(pk=writer.commit())


def write_and_commit(writer: SpoolWriter, content: bytes) -> UUID:
    writer.write(content)
    return writer.commit()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.django_db
class TestRoundTrip:
    @pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000, 17 * 1024 * 1024])
    def test_a_mail_comes_back_byte_for_byte_with_its_envelope(self, spool_folder: Path, size: int) -> None:
        content = os.urandom(size)
        row = spooled(content, size)
        opened = open_spooled(row)
        assert opened.read() == content
        assert (opened.size, row.size, row.recipients) == (size, size, 2)
        assert opened.envelope == ENVELOPE
        assert files(spool_folder) == [str(row.id)]

    def test_what_is_committed_outlives_a_power_cut(self, spool_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        disk = Disk(monkeypatch)
        mails = [SpoolWriter.begin(ENVELOPE) for _ in range(2)]
        assert all(isinstance(outcome, UUID) for outcome in commit_all(mails))
        assert all(disk.keeps(spool_folder / str(one.id)) for one in mails)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.binary(max_size=90_000), max_size=4))
    def test_any_chunking_gives_the_same_mail(self, chunks: list[bytes]) -> None:
        writer = SpoolWriter.begin(ENVELOPE)
        for chunk in chunks:
            writer.write(chunk)
        assert open_spooled(Spooled.objects.get(pk=writer.commit())).read() == b"".join(chunks)

    def test_an_answer_keeps_its_thread_and_author(self, spool_folder: Path) -> None:
        thread, author = new_id(), new_id()
        envelope = Envelope("a@b.example", ("c@d.example",), "reply", trusted=False, thread=thread, author=author)
        writer = SpoolWriter.begin(envelope)
        assert open_spooled(Spooled.objects.get(pk=writer.commit())).envelope == envelope

    def test_ids_are_of_version_7_and_in_order_of_time(self) -> None:
        first = new_id()
        time.sleep(0.002)
        second = new_id()
        assert (first.version, first.variant) == (7, UUID(int=0, version=4).variant)
        assert first < second

    def test_neither_file_nor_row_shows_who_or_what(self, spool_folder: Path) -> None:
        row = spooled(b"Subject: " + CANARY + b"\r\n\r\n" + CANARY * 20_000)
        data = (spool_folder / str(row.id)).read_bytes()
        for secret in (CANARY, b"jonas", b"maya", b"aldervalley"):
            assert secret not in data
        values = {str(value) for value in Spooled.objects.filter(pk=row.pk).values()[0].values()}
        assert not any("example" in value or "canary" in value for value in values)
        assert "jonas" not in repr(ENVELOPE) + repr(open_spooled(row)) + repr(SpoolWriter.begin(ENVELOPE))

    def test_the_file_names_the_door_key_of_the_day(self, spool_folder: Path) -> None:
        row = spooled()
        head = (spool_folder / str(row.id)).read_bytes()
        assert head[:7] == b"LLD1\x01" + len(row.door_key).to_bytes(2, "big")
        assert head[7:17].decode() == row.door_key == datetime.now(UTC).date().isoformat()

    def test_only_its_owner_can_read_the_file(self, spool_folder: Path) -> None:
        row = spooled()
        assert (spool_folder / str(row.id)).stat().st_mode & 0o077 == 0
        assert spool_folder.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
class TestDamage:
    def test_a_missing_file_is_said(self, spool_folder: Path) -> None:
        row = spooled()
        (spool_folder / str(row.id)).unlink()
        with pytest.raises(SpoolMissing):
            open_spooled(row)

    @pytest.mark.parametrize("length", [0, 4, 10, 100, 1200])
    def test_a_cut_file_opens_as_nothing(self, spool_folder: Path, length: int) -> None:
        row = spooled()
        os.truncate(spool_folder / str(row.id), length)
        with pytest.raises((SpoolDamaged, SealBroken)):
            open_spooled(row)

    def test_a_changed_byte_opens_as_nothing(self, spool_folder: Path) -> None:
        row = spooled()
        path = spool_folder / str(row.id)
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
        with pytest.raises(SealBroken):
            open_spooled(row).read()

    def test_a_file_moved_to_another_mail_opens_as_nothing(self, spool_folder: Path) -> None:
        one, other = spooled(), spooled()
        (spool_folder / str(one.id)).rename(spool_folder / str(other.id))
        with pytest.raises(Exception, match="does not open here"):
            open_spooled(other)

    def test_an_envelope_that_is_none_is_damage(self) -> None:
        for encoded in (b"\xff", cbor2.dumps([]), cbor2.dumps({"sender": "x"}), cbor2.dumps({"unknown": 1})):
            with pytest.raises(SpoolDamaged):
                Envelope.decode(encoded)


@pytest.mark.django_db
class TestNothingIsLeft:
    @pytest.mark.parametrize("size", [10, 500_000])
    def test_after_discard(self, spool_folder: Path, size: int) -> None:
        writer = SpoolWriter.begin(ENVELOPE)
        writer.write(bytes(size))
        writer.discard()
        writer.discard()
        assert files(spool_folder) == []
        with pytest.raises(ValueError, match="discarded"):
            writer.write(b"more")

    def test_discard_after_commit_keeps_the_mail(self, spool_folder: Path) -> None:
        writer = SpoolWriter.begin(ENVELOPE)
        writer.write(b"x")
        id_ = writer.commit()
        writer.discard()
        assert files(spool_folder) == [str(id_)]

    @pytest.mark.parametrize("size", [10, 500_000])
    def test_when_the_disk_is_full(self, size: int, spool_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # /dev/full is a disk that is always full: the real system call fails with the real error.
        real_open = os.open
        monkeypatch.setattr(
            os, "open", lambda path, flags, *mode, **more: real_open("/dev/full", os.O_WRONLY)
            if str(path).endswith(".part") else real_open(path, flags, *mode, **more),
        )  # fmt: skip
        writer = SpoolWriter.begin(ENVELOPE)
        with pytest.raises(SpoolUnavailable, match=r"No space left on device.*nothing was kept") as caught:
            write_and_commit(writer, bytes(size))
        assert str(spool_folder) not in str(caught.value)
        assert caught.value.__cause__ is None
        assert not Spooled.objects.exists()
        assert files(spool_folder) == []

    def test_when_there_is_no_door_key_for_today(self, spool_folder: Path) -> None:
        today = datetime.now(UTC).date().isoformat()
        public = django_settings.LETTERLOCK.data / "keyring" / f"door-{today}.pub"
        away = public.with_suffix(".away")
        public.rename(away)
        spool._door_public.cache_clear()
        try:
            with pytest.raises(SpoolUnavailable, match="no door key for today"):
                SpoolWriter.begin(ENVELOPE)
        finally:
            away.rename(public)
        assert files(spool_folder) == []


@pytest.mark.django_db(transaction=True)
class TestDatabaseDown:
    def test_nothing_is_left_when_the_row_is_refused(self, spool_folder: Path) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")
        try:
            writer = SpoolWriter.begin(ENVELOPE)
            writer.write(b"x" * 200_000)
            with pytest.raises(SpoolUnavailable, match="the database takes no rows"):
                writer.commit()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = OFF")
        assert files(spool_folder) == []
        assert not Spooled.objects.exists()

    def test_a_group_shares_one_transaction(self, spool_folder: Path) -> None:
        writers = [SpoolWriter.begin(ENVELOPE) for _ in range(5)]
        for number, writer in enumerate(writers):
            writer.write(b"%d" % number)
        with CaptureQueriesContext(connection) as queries:
            outcomes = commit_all(writers)
        assert outcomes == [writer.id for writer in writers]
        said = [query["sql"].removeprefix("5 times: ").split()[0] for query in queries]
        assert said == ["BEGIN", "INSERT", "COMMIT"]
        assert [open_spooled(Spooled.objects.get(pk=id_)).read() for id_ in outcomes] == [b"0", b"1", b"2", b"3", b"4"]

    def test_a_row_is_as_django_would_write_it(self, spool_folder: Path) -> None:
        writer = SpoolWriter.begin(ENVELOPE)
        writer.bulk = True
        writer.write(b"x")
        found = Spooled.objects.get(pk=writer.commit())
        usual = Spooled(
            id=new_id(), bulk=True, door_key=writer.door_key, size=1, recipients=len(ENVELOPE.recipients),
            received_at=found.received_at, due_at=found.received_at,
        )  # fmt: skip
        usual.save(force_insert=True)
        columns = [field.attname for field in Spooled._meta.concrete_fields if field.name != "id"]
        assert Spooled.objects.values(*columns).distinct().count() == 1

    def test_one_mail_that_the_disk_refuses_does_not_stop_the_others(self, spool_folder: Path) -> None:
        writers = [SpoolWriter.begin(ENVELOPE) for _ in range(3)]
        (spool_folder / f"{writers[1].id}.part").mkdir()  # in the way: the real open fails with a real error
        outcomes = commit_all(writers)
        assert isinstance(outcomes[1], SpoolUnavailable)
        assert {row.pk for row in Spooled.objects.all()} == {writers[0].id, writers[2].id}
        (spool_folder / f"{writers[1].id}.part").rmdir()

    def test_a_fault_that_is_told_when_writing_begins_is_told_to_its_sender(
        self, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writers = [SpoolWriter.begin(ENVELOPE) for _ in range(3)]
        faults = [0, errno.EIO, errno.EINVAL]  # the last says only that this file system does not do it

        def begun(*_: int) -> int:
            ctypes.set_errno(faults.pop(0))
            return -1 if ctypes.get_errno() else 0

        monkeypatch.setattr(spoolfolder, "_SYNC_FILE_RANGE", begun)
        outcomes = commit_all(writers)
        assert str(outcomes[1]) == str(SpoolUnavailable(os.strerror(errno.EIO)))
        good = {writers[0].id, writers[2].id}
        assert {row.pk for row in Spooled.objects.all()} == good == {UUID(name) for name in files(spool_folder)}

    def test_a_file_is_closed_once_even_where_that_fails(
        self, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its number is free all the same, and may be that of another mail's file by then (close(2))."""
        writer = SpoolWriter.begin(ENVELOPE)
        writer.write(os.urandom(2 * spool.FLUSH_BYTES))
        closed: list[int] = []

        def close(descriptor: int, really: Callable[[int], None] = os.close) -> None:
            if descriptor == mine:
                closed.append(descriptor)
            really(descriptor)
            if descriptor == mine:
                raise OSError(errno.EIO, "")

        mine = writer._descriptor
        monkeypatch.setattr(os, "close", close)
        (outcome,) = commit_all([writer])
        assert isinstance(outcome, SpoolUnavailable)
        assert closed == [mine]
        assert files(spool_folder) == []

    def test_a_row_belongs_to_the_callers_transaction(self, spool_folder: Path) -> None:
        with transaction.atomic():
            row = spooled()
            transaction.set_rollback(True)
        assert not Spooled.objects.filter(pk=row.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_sweep_whose_clock_jumped_takes_no_mail_between_its_name_and_its_row(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file looks a day old, and a commit is slow just between the two: after it 250 is said."""
    writer = SpoolWriter.begin(ENVELOPE)
    writer.write(b"x" * 200_000)
    inserted = spool.insert_rows
    with ThreadPoolExecutor(1) as other:

        def sweep() -> int:
            try:
                return sweep_orphans()
            finally:
                connection.close()

        def slowly(writers: Sequence[SpoolWriter]) -> None:
            assert files(spool_folder) == [str(writer.id)]
            sweeps.append(other.submit(sweep))
            with pytest.raises(TimeoutError):
                sweeps[0].result(0.3)
            inserted(writers)

        sweeps: list[Future[int]] = []
        monkeypatch.setattr(spoolfolder, "ORPHAN_SECONDS", -86_400)
        monkeypatch.setattr(spool, "insert_rows", slowly)
        id_ = writer.commit()
        assert sweeps[0].result(120) == 0
    assert open_spooled(Spooled.objects.get(pk=id_)).read() == b"x" * 200_000


@pytest.mark.django_db
class TestSweeping:
    def age(self, path: Path, seconds: float) -> None:
        os.utime(path, (time.time() - seconds,) * 2)

    def test_old_files_without_a_row_go_and_all_others_stay(self, spool_folder: Path) -> None:
        kept, lost, fresh = spooled(), spooled(), spooled()
        Spooled.objects.filter(pk__in=[lost.pk, fresh.pk]).delete()
        old_part = spool_folder / f"{new_id()}.part"
        young_part = spool_folder / f"{new_id()}.part"
        foreign = spool_folder / "README"
        for path in (old_part, young_part, foreign):
            path.write_bytes(b"x")
        for path in (old_part, foreign, spool_folder / str(kept.pk), spool_folder / str(lost.pk)):
            self.age(path, spoolfolder.ORPHAN_SECONDS + 60)
        assert sweep_orphans() == 2
        assert files(spool_folder) == sorted([str(kept.pk), str(fresh.pk), young_part.name, "README"])
        assert open_spooled(kept).size

    def test_a_file_whose_row_is_over_goes(self, spool_folder: Path) -> None:
        row = spooled()
        Spooled.objects.filter(pk=row.pk).update(state=Spooled.State.DONE)
        self.age(spool_folder / str(row.pk), spoolfolder.ORPHAN_SECONDS + 60)
        assert sweep_orphans() == 1
        assert files(spool_folder) == []

    def test_a_second_sweep_finds_nothing(self, spool_folder: Path) -> None:
        assert sweep_orphans() == 0

    def test_remove_is_safe_to_do_twice(self, spool_folder: Path) -> None:
        row = spooled()
        spool.remove(row)
        spool.remove(row)
        assert files(spool_folder) == []


class TestAnOlderDatabase:
    """Restored beside a newer spool: mail that was answered 250 since has a file and no row."""

    @pytest.fixture
    def lost(self, transactional_db: None, spool_folder: Path) -> UUID:
        row = spooled(b"Subject: [secure] x\r\n\r\nHello.\r\n")
        Spooled.objects.filter(pk=row.pk).delete()
        os.utime(spool_folder / str(row.pk), (time.time() - spoolfolder.ORPHAN_SECONDS - 60,) * 2)
        return row.pk

    def test_its_mail_is_held_with_the_reason_and_kept(self, lost: UUID, spool_folder: Path) -> None:
        assert sweep_orphans() == 0
        row = Spooled.objects.get()
        assert (row.pk, row.state, row.last_error, row.recipients) == (lost, Spooled.State.HELD, UNKNOWN, 2)
        assert row.held_at is not None and timezone.now() - row.received_at < timedelta(minutes=1)
        assert [entry.facts for entry in Entry.objects.filter(kind="message.held", message=lost)] == [
            {"reason": UNKNOWN}
        ]
        assert sweep_orphans() == 0
        assert Entry.objects.filter(kind="message.held").count() == 1, "once"
        assert (row.size, open_spooled(row).read()) == (31, b"Subject: [secure] x\r\n\r\nHello.\r\n")

    def test_its_door_key_lives_as_long_as_it_is_held(self, lost: UUID) -> None:
        sweep_orphans()
        row = Spooled.objects.get()
        # The day after today's key is no longer kept for its own sake; those of the days ahead other tests need.
        tidying.forget_old_door_keys(timezone.now().date() + timedelta(days=DOOR_GRACE_DAYS + 1))
        assert open_spooled(row).envelope == ENVELOPE

    def test_released_it_goes_its_way(self, lost: UUID) -> None:
        make_default_brand(django_settings.LETTERLOCK)
        sweep_orphans()
        holding.release(Spooled.objects.get())
        assert pipeline.process() == 1
        assert Spooled.objects.get().state == Spooled.State.DONE
        assert Outbound.objects.filter(message=lost, kind="notice").count() == 2

    def test_while_keys_or_folder_are_away_nothing_is_decided(
        self, lost: UUID, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> None:
            raise ProviderUnavailable

        with monkeypatch.context() as broken:
            broken.setattr(KeyService, "open_door_key", away)
            with pytest.raises(ProviderUnavailable):
                sweep_orphans()
        assert not Spooled.objects.exists()
        assert files(spool_folder) == [str(lost)]

    def test_what_cannot_be_opened_is_held_all_the_same(self, lost: UUID, spool_folder: Path) -> None:
        path = spool_folder / str(lost)
        path.chmod(0o600)
        path.write_bytes(b"not a spool file")
        path.chmod(0o400)
        os.utime(path, (time.time() - 7200,) * 2)
        assert sweep_orphans() == 0
        assert Spooled.objects.get().state == Spooled.State.HELD
        assert path.exists()

    def test_what_was_never_answered_goes(self, transactional_db: None, spool_folder: Path) -> None:
        """The door was killed between the file's name and its row: its sender hands it in again."""
        writer = SpoolWriter.begin(ENVELOPE)
        writer.write(b"x")
        writer.complete()
        writer.make_durable()
        spool.publish([writer])
        os.utime(writer.path, (time.time() - 7200,) * 2)
        assert sweep_orphans() == 1
        assert files(spool_folder) == []
        assert not Spooled.objects.exists()


def test_what_begins_no_writing_there_is_left_to_fsync_and_a_fault_is_told() -> None:
    ends = os.pipe()
    spoolfolder.begin_writing(ends[1])
    for end in ends:
        os.close(end)
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        spoolfolder.begin_writing(ends[1])


def test_empty_leaves_the_lock(spool_folder: Path) -> None:
    (spool_folder / "x").write_bytes(b"")
    empty(spool_folder)
    assert files(spool_folder) == []
