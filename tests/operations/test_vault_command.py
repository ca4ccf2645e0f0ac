"""`manage.py vault`: damage of every kind is found, an export opens with the second reader, and garbage is garbage."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from uuid import UUID, uuid4

import cbor2
import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from portal.audit.models import Entry
from portal.keys.recovery import make_files
from portal.keys.service import keys
from portal.vault import departing, garbage, searching
from portal.vault.blobs import store
from portal.vault.errors import BlobMissing, BlobsUnavailable
from portal.vault.models import Blob, Message, Parked, Wrap
from portal.vault.opening import Opened, key_for
from portal.vault.stream import Context
from portal.vault.stream import seal as seal_stream
from tests.mails import JONAS, KARIN, mail
from tests.seals import reader_of, seal
from tests.servers import ROOT, S3

pytestmark = pytest.mark.django_db
TOOL = ROOT / "tools" / "open_export.py"
SECRET = "Good news: the scan shows no new tear."
SCAN = os.urandom(700_000)
PHOTO = os.urandom(1000)


def _tool() -> ModuleType:
    specification = importlib.util.spec_from_file_location("open_export", TOOL)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


tool = _tool()


@pytest.fixture(autouse=True)
def _own_blobs(tmp_path: Path, settings: LazySettings) -> None:
    use(settings, f"file://{tmp_path / 'blobs'}")


def use(settings: LazySettings, url: str) -> None:
    settings.LETTERLOCK = dataclasses.replace(settings.LETTERLOCK, blob_url=url)


def large() -> bytes:
    return mail(text=SECRET, files=[("Scan ä.pdf", "application/pdf", SCAN), ("../photo", "image/png", PHOTO)])


@pytest.fixture
def message() -> Message:
    return seal(large(), JONAS, KARIN)


def run(*arguments: object) -> tuple[int | str, str]:
    """Exit status (or the sentence it ended with) and what was said."""
    said = io.StringIO()
    try:
        call_command("vault", *map(str, arguments), stdout=said)
    except SystemExit as ended:
        return ended.code or 0, said.getvalue()
    return 0, said.getvalue()


# check


def test_what_is_whole_has_no_problem(message: Message) -> None:
    seal(mail())
    seal(mail(text="x" * 400_000))
    status, said = run("check")
    assert status == 0, said
    assert "3 messages seen, 3 opened whole (7 wraps, 9 streams" in said
    assert run("check", message.pk)[1].startswith("1 messages seen, 1 opened whole (3 wraps")


def change_container(message: Message) -> None:
    container = cbor2.loads(bytes(message.container))
    container["toc"] = container["toc"][:-1] + bytes([container["toc"][-1] ^ 1])
    Message.objects.filter(pk=message.pk).update(container=cbor2.dumps(container))


def drop_stream(message: Message) -> None:
    container = cbor2.loads(bytes(message.container))
    del container["part/2"]
    Message.objects.filter(pk=message.pk).update(container=cbor2.dumps(container))


def seal_other_content(message: Message) -> None:
    """What only the message key can do: a stream that opens, and is not what was received."""
    key = key_for(reader_of(message))
    size = next(file.size for file in Opened(message, key).toc.files if file.stream == "part/2")
    container = cbor2.loads(bytes(message.container))
    container["part/2"] = seal_stream(key, Context(message.pk, "part/2"), b"x" * size)
    Message.objects.filter(pk=message.pk).update(container=cbor2.dumps(container))


def path_of(blob: Blob) -> Path:
    return Path(store().describe().removeprefix("the folder ")) / blob.id.hex[-2:] / blob.id.hex


def last_blob(message: Message) -> Blob:
    return message.blobs.get(name="part/1")


def flip_middle(message: Message) -> None:
    path = path_of(last_blob(message))
    content = bytearray(path.read_bytes())
    content[300_000] ^= 1
    path.write_bytes(content)


def cut_blob(message: Message) -> None:
    path = path_of(last_blob(message))
    os.truncate(path, path.stat().st_size - 65_552)


def swap_blobs(message: Message) -> None:
    one, two = message.blobs.order_by("name")
    first, second = path_of(one).read_bytes(), path_of(two).read_bytes()
    path_of(one).write_bytes(second)
    path_of(two).write_bytes(first)


def widen_rights(message: Message) -> None:
    rights = cbor2.loads(bytes(message.rights))
    Message.objects.filter(pk=message.pk).update(rights=cbor2.dumps({**rights, "forward": True}, canonical=True))


def swap_wraps(message: Message) -> None:
    one, two = Wrap.objects.filter(reader__in=[reader_of(message, JONAS), reader_of(message, KARIN)])
    one.wrapped, two.wrapped = two.wrapped, one.wrapped
    one.save()
    two.save()


def delete_wraps(message: Message) -> None:
    Wrap.objects.filter(reader=reader_of(message, JONAS)).delete()


def puncture(message: Message) -> None:
    epoch = message.epochs.get()
    keys().puncture(epoch.epoch, epoch.number, reader_of(message, JONAS).number)


def move_to_an_epoch_never_made(message: Message) -> None:
    message.epochs.update(epoch="2001-01-01.0")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (change_container, "toc: damaged"),
        (drop_stream, "part/2: missing"),
        (seal_other_content, "part/2: not what the table of contents says"),
        (lambda message: path_of(last_blob(message)).unlink(), "part/1: missing in the blob store"),
        (flip_middle, "part/1: damaged"),
        (cut_blob, "part/1: damaged"),
        (lambda message: os.truncate(path_of(last_blob(message)), 75), "part/1: cut short"),
        (lambda message: path_of(last_blob(message)).write_bytes(b"LLS9" * 99), "part/1: of an unknown format version"),
        (lambda message: path_of(last_blob(message)).write_bytes(b"LLS1\2" * 99), "part/1: of an unknown cipher suite"),
        (lambda message: path_of(last_blob(message)).write_bytes(b"%PDF" * 99), "part/1: other bytes than a sealed"),
        (lambda message: path_of(last_blob(message)).write_bytes(b""), "part/1: empty"),
        (lambda message: last_blob(message).delete(), "part/1: missing"),
        (swap_blobs, "part/1: damaged"),
        (widen_rights, "a wrap does not open"),
        (swap_wraps, "a wrap does not open"),
        (delete_wraps, "no key is left for a reader"),
        (puncture, "no key is left for a reader"),
        (move_to_an_epoch_never_made, "the keyring is older than the database"),
        (lambda message: Message.objects.filter(pk=message.pk).update(container=b"\xff"), "not readable"),
    ],
)
def test_every_damage_is_found_and_the_other_messages_are_whole(
    message: Message, damage: Callable[[Message], object], problem: str
) -> None:
    other = seal(mail())
    damage(message)
    status, said = run("check")
    assert status == 1
    lines = said.splitlines()
    assert [line for line in lines if line.startswith(str(message.pk)) and problem in line], said
    assert str(other.pk) not in said
    assert "2 messages seen" in lines[-1]
    assert "1 with problems" in lines[-1]
    for address in (JONAS, KARIN, "Scan", SECRET):
        assert address not in said


def test_what_was_destroyed_must_hold_nothing_any_more(message: Message) -> None:
    now = timezone.now()
    Message.objects.filter(pk=message.pk).update(destroying_at=now)
    assert run("check")[0] == 0
    Message.objects.filter(pk=message.pk).update(destroyed_at=now)
    assert "still there" in run("check")[1]
    for blob in message.blobs.all():
        store().delete(blob.id)
    message.blobs.all().delete()
    Wrap.objects.filter(reader__message=message).delete()
    Message.objects.filter(pk=message.pk).update(container=b"", state=Message.State.GONE)
    assert "still there" in run("check")[1]
    searching.tokens_of(message).delete()
    status, said = run("check")
    assert status == 0
    assert "1 messages seen, 0 opened whole" in said


def test_a_closed_message_whose_keys_are_gone_is_no_problem(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(open_until=timezone.now() - timedelta(days=1))
    for reader in message.readers.all():
        epoch = message.epochs.get()
        keys().puncture(epoch.epoch, epoch.number, reader.number)
    assert run("check")[0] == 0


def test_a_split_message_is_checked_as_far_as_nobodys_share_is_needed_and_is_not_exported(tmp_path: Path) -> None:
    raw = mail(headers=[("X-Letterlock-Protect", "v=1; split=strict")], files=[("scan.pdf", "application/pdf", SCAN)])
    message = seal(raw, JONAS, KARIN)
    assert message.split == "strict"
    status, said = run("check")
    assert status == 0, said
    assert "1 messages seen, 0 opened whole (3 wraps" in said
    assert "1 split and seen from outside, 0 withdrawn or closed" in said
    make_files(tmp_path / "recovery.pub", tmp_path / "recovery.key")
    refused = run("export", message.pk, tmp_path / "export", "--to", tmp_path / "recovery.pub")[0]
    assert "share" in str(refused)
    assert not (tmp_path / "export").exists()
    os.truncate(path_of(last_blob(message)), 1000)
    message.blobs.get(name="original").delete()
    assert "part/1: not of the size" in run("check")[1]
    swap_wraps(message)
    assert "a wrap does not open" in run("check")[1]


def test_a_message_that_its_recipients_alone_keep_is_checked_by_its_wraps_and_not_exported(tmp_path: Path) -> None:
    wish = ("X-Letterlock-Protect", "v=1; delivery=attachment")
    message = seal(mail(headers=[wish], files=[("scan.pdf", "application/pdf", SCAN)]), JONAS, KARIN)
    assert run("check")[1].startswith("1 messages seen, 1 opened whole")
    assert departing.let_go([message.pk], timezone.now()) == 1
    status, said = run("check")
    assert status == 0, said
    assert "1 messages seen, 0 opened whole (3 wraps" in said
    assert "0 withdrawn or closed, 1 kept by their recipients alone; 0 with problems" in said
    make_files(tmp_path / "recovery.pub", tmp_path / "recovery.key")
    refused = run("export", message.pk, tmp_path / "export", "--to", tmp_path / "recovery.pub")[0]
    assert "message.html" in str(refused)
    assert not (tmp_path / "export").exists()
    swap_wraps(message)
    assert "a wrap does not open" in run("check")[1]


def test_a_parked_parcel_is_no_garbage_while_its_row_is_there(message: Message) -> None:
    blob, later = uuid4(), timezone.now() + timedelta(days=2)
    store().put(blob, lambda write: write(memoryview(b"parked")))
    row = Parked.objects.create(
        blob=blob, reader=reader_of(message), network=b"x" * 32, size=6, made_at=later, expires_at=later
    )
    assert garbage.look(store(), later).unnamed == 0
    row.delete()
    assert garbage.look(store(), later).unnamed == 1


def test_a_store_that_is_away_is_said_once_and_blames_no_message(message: Message, settings: LazySettings) -> None:
    use(settings, "file:///no/such/folder")
    status, said = run("check")
    assert "LETTERLOCK_BLOB_URL" in str(status)
    assert said == ""


def test_an_unknown_message_is_said_to_be_so(tmp_path: Path) -> None:
    make_files(tmp_path / "pub", tmp_path / "key")
    assert "No message with this id" in str(run("check", uuid4())[0])
    for verb in ("check", "export"):
        with pytest.raises(CommandError, match="an id looks like 019b2f6e-"):
            call_command("vault", verb, "nonsense")
    assert "No message with this id" in str(run("export", uuid4(), tmp_path / "x", "--to", tmp_path / "pub")[0])


# export


def exported(message: Message, folder: Path) -> tuple[Path, Path]:
    make_files(folder / "recovery.pub", folder / "recovery.key")
    status, _ = run("export", message.pk, folder / "export", "--to", folder / "recovery.pub")
    assert status == 0
    return folder / "export", folder / "recovery.key"


def test_an_export_opens_with_the_second_reader_alone(message: Message, tmp_path: Path) -> None:
    file, private = exported(message, tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET.encode() not in file.read_bytes()
    # In a place without the portal, its settings and its database, as the person has it who opens it.
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "open_export.py").write_bytes(TOOL.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "open_export.py", file, private, "out"], cwd=alone, env={}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    out = alone / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "1-Scan ä.pdf",
        "2-photo.png",
        "contents.json",
        "original.eml",
    ]
    assert (out / "1-Scan ä.pdf").read_bytes() == SCAN
    assert (out / "2-photo.png").read_bytes() == PHOTO
    contents = json.loads((out / "contents.json").read_text())
    assert contents["text"]["here"].strip() == SECRET
    assert b"Scan" in (out / "original.eml").read_bytes()
    assert len((out / "original.eml").read_bytes()) == contents["original_size"]
    entry = Entry.objects.get(kind="message.exported")
    assert entry.message == message.pk


def test_the_second_reader_shares_no_code_and_is_short() -> None:
    source = TOOL.read_text()
    assert "import portal" not in source and "from portal" not in source and "tests" not in source
    assert len(source.splitlines()) < 200


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "", "a" * 999, "x\0y", "C:\\x", "‮gpj.exe", "x\n"])
def test_a_name_in_an_export_never_leads_out_of_the_folder(name: str) -> None:
    made = tool.safe(name)
    assert 0 < len(made) <= 100
    assert made == Path(made).name
    assert not set(made) & set("/\\\0\n‮:")


def test_a_long_body_is_exported_whole(tmp_path: Path) -> None:
    text = "A long story. " * 40_000
    file, private = exported(seal(mail(text=text)), tmp_path)
    tool.open_export(file, private, tmp_path / "out")
    assert (tmp_path / "out" / "text.txt").read_text().split() == text.split()


def test_a_changed_export_does_not_open(message: Message, tmp_path: Path) -> None:
    file, private = exported(message, tmp_path)
    whole = file.read_bytes()
    toc = whole.index(b"\x03toc") + 12
    changes = [0, 4, 5, 20, 21, 1140, 1188, toc, toc + 4, toc + 5, toc + 40, toc + 75, len(whole) - 1, len(whole) // 2]
    for number, at in enumerate(changes):
        changed = bytearray(whole)
        changed[at] ^= 1
        file.write_bytes(changed)
        with pytest.raises((tool.Refused, ValueError)):
            tool.open_export(file, private, tmp_path / f"changed-{number}")
    for number, cut in enumerate([3, 21, 1000, 1189, 1195, toc + 100, len(whole) - 1, len(whole) - 65_552]):
        file.write_bytes(whole[:cut])
        with pytest.raises((tool.Refused, ValueError, IndexError)):
            tool.open_export(file, private, tmp_path / f"cut-{number}")


def test_streams_cannot_be_left_out_swapped_or_taken_from_another_export(message: Message, tmp_path: Path) -> None:
    file, private = exported(message, tmp_path)
    whole = file.read_bytes()
    head, streams = whole[:1189], {}
    with file.open("rb") as open_file:
        found = tool.Export(open_file, tool.private_key(private.read_text()))
        for name, place in found.streams.items():
            streams[name] = whole[place.start : place.start + place.size]

    def written(named: dict[str, bytes]) -> None:
        file.write_bytes(
            head
            + b"".join(
                bytes([len(name)]) + name.encode() + len(sealed).to_bytes(8, "big") + sealed
                for name, sealed in named.items()
            )
        )

    written(streams)
    assert file.read_bytes() == whole
    swapped = {**streams, "part/1": streams["part/2"], "part/2": streams["part/1"]}
    for number, bad in enumerate([*({k: v for k, v in streams.items() if k != gone} for gone in streams), swapped]):
        written(bad)
        with pytest.raises(tool.Refused):
            tool.open_export(file, private, tmp_path / f"bad-{number}")
        assert not (tmp_path / f"bad-{number}" / "contents.json").exists()


def test_another_recovery_key_does_not_open_it(message: Message, tmp_path: Path) -> None:
    file, _ = exported(message, tmp_path)
    make_files(tmp_path / "other.pub", tmp_path / "other.key")
    with pytest.raises(tool.Refused, match="another recovery key"):
        tool.open_export(file, tmp_path / "other.key", tmp_path / "out")
    with pytest.raises(tool.Refused, match="no private"):
        tool.open_export(file, tmp_path / "other.pub", tmp_path / "out2")


def test_an_export_replaces_no_file_and_leaves_none_behind(message: Message, tmp_path: Path) -> None:
    file, _ = exported(message, tmp_path)
    whole = file.read_bytes()
    assert "not replaced" in str(run("export", message.pk, file, "--to", tmp_path / "recovery.pub")[0])
    assert file.read_bytes() == whole
    path_of(last_blob(message)).unlink()
    assert "missing in the blob store" in str(
        run("export", message.pk, tmp_path / "new", "--to", tmp_path / "recovery.pub")[0]
    )
    assert not (tmp_path / "new").exists()
    assert "no recovery key" in str(run("export", message.pk, tmp_path / "new", "--to", tmp_path / "recovery.key")[0])


def test_what_nobody_may_read_any_more_is_exported_under_a_hold_only(message: Message, tmp_path: Path) -> None:
    make_files(tmp_path / "recovery.pub", tmp_path / "recovery.key")
    arguments = ("export", message.pk, tmp_path / "export", "--to", tmp_path / "recovery.pub")
    Message.objects.filter(pk=message.pk).update(state=Message.State.WITHDRAWN)
    assert "withdrawn or closed" in str(run(*arguments)[0])
    assert not (tmp_path / "export").exists()
    Message.objects.filter(pk=message.pk).update(held_at=timezone.now())
    assert run(*arguments)[0] == 0


# gc


def age(blob: UUID, hours: float) -> None:
    path = Path(store().describe().removeprefix("the folder ")) / blob.hex[-2:] / blob.hex
    os.utime(path, (time.time() - hours * 3600,) * 2)


def stray(hours: float) -> UUID:
    blob = uuid4()
    store().put(blob, lambda write: write(memoryview(b"sealed")))
    age(blob, hours)
    return blob


def exists(blob: UUID) -> bool:
    try:
        store().open(blob).close()
    except BlobMissing:
        return False
    return True


def test_what_no_row_names_goes_after_a_day_and_nothing_else(message: Message) -> None:
    for blob in message.blobs.all():
        age(blob.id, 999)
    old, young = stray(25), stray(23)
    _, said = run("gc")
    assert "3 are older than a day; 1 of them" in said
    assert exists(old)
    status, said = run("gc", "--delete")
    assert status == 0
    assert "1 that no row names were deleted" in said
    assert not exists(old)
    assert exists(young)
    assert run("check")[0] == 0
    assert "0 that no row names" in run("gc", "--delete")[1]


def test_it_refuses_when_the_database_names_few_of_the_blobs(message: Message) -> None:
    many = [stray(48) for _ in range(30)]
    assert "less than half" in str(run("gc", "--delete")[0])
    assert all(map(exists, many))
    assert run("gc", "--delete", "--even-most")[0] == 0
    assert not any(map(exists, many))
    assert run("check")[0] == 0


def test_it_refuses_with_an_empty_database() -> None:
    blob = stray(48)
    assert "older copy" in str(run("gc", "--delete")[0])
    assert exists(blob)


def test_what_a_row_names_is_kept_whatever_its_age_also_in_many_batches(message: Message) -> None:
    named = [stray(48) for _ in range(garbage._BATCH + 10)]
    Blob.objects.bulk_create(
        Blob(id=blob, message=message, name=f"part/{number + 10}", size=6) for number, blob in enumerate(named)
    )
    unnamed = [stray(48) for _ in range(5)]
    assert "5 that no row names" in run("gc", "--delete")[1]
    assert all(map(exists, named))
    assert not any(map(exists, unnamed))


def test_all_of_it_works_on_s3(s3: S3, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    use(settings, f"s3://{s3.bucket}/{uuid4().hex}?endpoint={s3.endpoint}&region=eu-north-1")
    message = seal(large())
    assert run("check")[0] == 0
    file, private = exported(message, tmp_path)
    tool.open_export(file, private, tmp_path / "out")
    assert (tmp_path / "out" / "1-Scan ä.pdf").read_bytes() == SCAN
    assert run("gc", "--delete")[0] == 0
    blob = last_blob(message)
    store().delete(blob.id)
    assert "part/1: missing in the blob store" in run("check")[1]


@pytest.mark.servers
def test_buckets_of_the_settings_are_made_once(s3: S3, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3.environment.items():
        monkeypatch.setenv(name, value)
    place = s3.url.replace(f"//{s3.bucket}/", "//made-now/")
    settings.LETTERLOCK = dataclasses.replace(settings.LETTERLOCK, blob_url=place)
    with pytest.raises(BlobsUnavailable):
        store().put(uuid4(), lambda write: write(memoryview(b"x")))
    for said in ("Made", "There already"):
        out = io.StringIO()
        call_command("vault", "bucket", stdout=out)
        assert out.getvalue().startswith(
            f"{said}: the bucket made-now at"
        )  # the spool is a folder, so nothing is said of it
        assert out.getvalue().count("\n") == 1
    store().put(uuid4(), lambda write: write(memoryview(b"x")))
