"""Emptied spool files: the next mail is written into one, nothing of the last is left, and doubt means a new file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.ids import new_id
from portal.ingest import spares, spool, spoolfolder
from portal.ingest.models import Spooled
from portal.ingest.spares import Spares
from portal.ingest.spool import SpoolWriter, open_spooled
from portal.ingest.sweeping import sweep_orphans
from tests.ingest.test_spool import ENVELOPE


@pytest.fixture(autouse=True)
def looking_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "LOOK_SECONDS", 0.0)


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / spares.NAME).rglob("*") if path.is_file())


def written(pool: Spares, folder: Path, content: bytes = b"x") -> Path:
    path = folder / str(new_id())
    descriptor = pool.open_new(path)
    os.write(descriptor, content)
    os.close(descriptor)
    return path


def spooled(content: bytes) -> Spooled:
    writer = SpoolWriter.begin(ENVELOPE)
    writer.write(content)
    return Spooled.objects.get(pk=writer.commit())


@pytest.mark.django_db
def test_the_next_mail_is_written_into_the_file_of_one_that_is_over(spool_folder: Path) -> None:
    first = spooled(b"Subject: a\r\n\r\n" + b"long " * 9000)
    inode = (spool_folder / str(first.pk)).stat().st_ino
    spool.remove(first)
    (spare,) = kept(spool_folder)
    assert (spare.stat().st_ino, spare.stat().st_size, stat.S_IMODE(spare.stat().st_mode)) == (inode, 0, 0o600)
    second = spooled(b"Subject: b\r\n\r\nshort\r\n")
    path = spool_folder / str(second.pk)
    assert path.stat().st_ino == inode
    assert open_spooled(second).read() == b"Subject: b\r\n\r\nshort\r\n"
    assert kept(spool_folder) == []


@pytest.mark.django_db
def test_a_mail_that_is_being_written_into_one_has_no_mark_and_is_swept_like_any(spool_folder: Path) -> None:
    over = spooled(b"Subject: a\r\n\r\n")
    spool.remove(over)
    writer = SpoolWriter.begin(ENVELOPE)
    writer.write(b"Subject: b\r\n\r\n" + b"x" * spool.FLUSH_BYTES)
    (part,) = spool_folder.glob("*.part")
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    os.utime(part, (0, 0))
    assert sweep_orphans() == 1
    assert not part.exists()
    assert not Spooled.objects.exclude(pk=over.pk).exists()


@pytest.mark.django_db
def test_a_removal_that_was_cut_short_is_done_by_the_next(spool_folder: Path) -> None:
    row = spooled(b"Subject: a\r\n\r\n")
    path = spool_folder / str(row.pk)
    path.chmod(0o600)
    os.truncate(path, 0)
    spool.remove(row)
    spool.remove(row)
    assert not path.exists()
    assert len(kept(spool_folder)) == 1


def test_no_file_is_given_to_two(tmp_path: Path) -> None:
    doors = [Spares(tmp_path) for _ in range(2)]
    for _ in range(40):
        doors[0].remove(written(Spares(tmp_path / "elsewhere"), tmp_path))
    there = len(kept(tmp_path))
    assert there > 30
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: written(doors[n % 2], tmp_path, f"{n}".encode()), range(80)))
    assert [path.read_bytes() for path in made] == [f"{n}".encode() for n in range(80)]
    assert len({path.stat().st_ino for path in made}) == 80


def test_there_are_never_more_than_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "MOST", 3)
    pool = Spares(tmp_path)
    made = [written(Spares(tmp_path / "elsewhere"), tmp_path) for _ in range(20)]
    for path in made:
        pool.remove(path)
    assert not any(path.exists() for path in made)
    assert 0 < len(kept(tmp_path)) <= 3


def test_those_of_before_the_machine_was_started_are_not_used_and_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "boot"
    before.write_text("11111111-1111-4111-8111-111111111111\n")
    monkeypatch.setattr(spares, "_BOOT", before)
    old = Spares(tmp_path)
    old.remove(written(old, tmp_path, b"one"))
    (spare,) = kept(tmp_path)
    os.link(spare, tmp_path / "another name")
    before.write_text("22222222-2222-4222-8222-222222222222\n")
    new = Spares(tmp_path)
    made = written(new, tmp_path, b"two")
    assert made.stat().st_ino != (tmp_path / "another name").stat().st_ino
    new.sweep()
    assert kept(tmp_path) == []
    old.remove(made)  # its folder is gone, the file goes all the same
    assert not made.exists()


def test_where_starts_cannot_be_told_apart_files_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "_BOOT", tmp_path / "nothing")
    pool = Spares(tmp_path)
    made = written(pool, tmp_path)
    pool.remove(made)
    pool.remove(made)
    pool.sweep()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_to_is_passed_over(tmp_path: Path) -> None:
    pool = Spares(tmp_path)
    pool.remove(written(pool, tmp_path))
    (spare,) = kept(tmp_path)
    spare.unlink()
    spare.symlink_to(tmp_path / "somewhere else")
    made = written(pool, tmp_path, b"mail")
    assert made.read_bytes() == b"mail"
    assert not made.is_symlink()
    assert not (tmp_path / "somewhere else").exists()


def test_a_copy_by_another_name_keeps_its_bytes(tmp_path: Path) -> None:
    pool = Spares(tmp_path)
    made = written(pool, tmp_path, b"mail")
    os.link(made, tmp_path / "copy")
    pool.remove(made)
    assert not made.exists()
    assert kept(tmp_path) == []
    assert (tmp_path / "copy").read_bytes() == b"mail"


def test_a_spare_that_has_bytes_or_another_name_is_no_spare(tmp_path: Path) -> None:
    """As a restored copy may have: `cp -al` of a spool folder, of which a spare was used meanwhile, gives two names."""
    pool = Spares(tmp_path)
    pool.remove(written(pool, tmp_path))
    (spare,) = kept(tmp_path)
    for bytes_ in (b"a mail that was answered", b""):
        spare.unlink(missing_ok=True)
        answered = tmp_path / str(new_id())
        answered.write_bytes(bytes_)
        os.link(answered, spare)
        made = written(pool, tmp_path, b"another")
        assert (answered.read_bytes(), made.read_bytes()) == (bytes_, b"another")
    spare.write_bytes(b"left of something")
    assert written(pool, tmp_path, b"new").read_bytes() == b"new"


def test_a_pipe_among_them_holds_nobody_up(tmp_path: Path) -> None:
    pool = Spares(tmp_path)
    pool.remove(written(pool, tmp_path))
    (spare,) = kept(tmp_path)
    spare.unlink()
    os.mkfifo(spare)
    made = written(pool, tmp_path, b"mail")
    assert made.is_file() and made.read_bytes() == b"mail"


def test_two_that_remove_one_file_cut_nothing_off_the_next_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel finds a file by its name and then waits for whoever is at it; by then it may be another mail's."""
    one, two = Spares(tmp_path), Spares(tmp_path)
    path = written(Spares(tmp_path / "elsewhere"), tmp_path, b"over")
    answered: list[Path] = []

    def slowly(found: Path) -> None:
        descriptor = os.open(found, os.O_WRONLY)
        with monkeypatch.context() as quick:
            quick.setattr(spares, "empty", at_once)
            two.remove(path)
        answered.append(written(two, tmp_path, b"answered 250"))
        os.ftruncate(descriptor, 0)
        os.close(descriptor)

    at_once = spares.empty
    monkeypatch.setattr(spares, "empty", slowly)
    one.remove(path)
    assert [made.read_bytes() for made in answered] == [b"answered 250"]
    assert not path.exists()
    assert not list(tmp_path.glob("*.part"))


def test_what_a_killed_worker_was_removing_is_removed_by_the_next(
    spool_folder: Path, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, there = spooled(b"Subject: a\r\n\r\n"), spooled(b"Subject: b\r\n\r\n")
    with monkeypatch.context() as killed:
        killed.setattr(spares, "empty", interrupted)
        with pytest.raises(KeyboardInterrupt):
            spool.remove(over)
    assert list(spool_folder.glob("*.part"))
    spool.remove(over)
    assert [path.name for path in spool_folder.iterdir() if not path.name.startswith(".")] == [str(there.pk)]


def interrupted(_path: Path) -> None:
    raise KeyboardInterrupt


def test_a_spool_folder_has_one_pool(spool_folder: Path) -> None:
    assert spoolfolder.spares() is spoolfolder.spares()
