"""Blob stores: the folder and an S3 server do the same, and fail in the same words."""

from __future__ import annotations

import os
import resource
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import pytest

from portal import configuration
from portal.vault.blobs import store_of
from portal.vault.blobstore import Store
from portal.vault.bucket import AHEAD_BYTES, PART_BYTES, BucketStore
from portal.vault.errors import BlobMissing, BlobSettingRefused, BlobsUnavailable, SealBroken, Truncated
from portal.vault.folder import FolderStore
from portal.vault.stream import CHUNK_LARGE, Context, Opener, Sealer
from tests.durable import Disk
from tests.servers import S3

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return store_of(f"file://{tmp_path / 'blobs'}")


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return store_of(f"s3://{s3.bucket}/{uuid4().hex}?endpoint={s3.endpoint}&region=eu-north-1")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


def put(store: Store, content: bytes, step: int = MIB, blob: UUID | None = None) -> UUID:
    blob = blob or uuid4()

    def fill(write: object) -> None:
        assert callable(write)
        for start in range(0, len(content), step):
            write(memoryview(content)[start : start + step])

    assert store.put(blob, fill) == len(content)
    return blob


def read(store: Store, blob: UUID) -> bytes:
    with store.open(blob) as source:
        return source.read_at(0, source.size)


SIZES = [0, 1, 4096, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12345]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_is_there_whole(store: Store, size: int) -> None:
    content = os.urandom(size)
    assert read(store, put(store, content)) == content


def test_any_range_is_read_and_nothing_beyond_the_end(store: Store) -> None:
    content = os.urandom(3 * MIB)
    with store.open(put(store, content)) as source:
        assert source.size == len(content)
        for start, length in [(0, 70), (2 * MIB, MIB), (5, 5), (0, 3 * MIB), (3 * MIB - 1, 50), (3 * MIB, 1), (7, 0)]:
            assert source.read_at(start, length) == content[start : start + length]
        pieces = [source.read_at(start, 65_552) for start in range(0, len(content), 65_552)]
        assert b"".join(pieces) == content


def test_a_sealed_stream_is_stored_and_any_range_of_it_opens(store: Store) -> None:
    key, context, content = os.urandom(32), Context(uuid4(), "part/1"), os.urandom(18 * MIB + 1)
    sealer = Sealer(key, context, CHUNK_LARGE)
    blob = uuid4()
    size = store.put(blob, lambda write: sealer.seal_all([content], write))
    with store.open(blob) as source:
        assert source.size == size
        opener = Opener(source, key, context)
        assert b"".join(opener.chunks(0, len(content))) == content
        assert opener.read(5 * MIB - 3, 10) == content[5 * MIB - 3 : 5 * MIB + 7]


def test_a_deleted_blob_is_missing_and_can_be_deleted_again(store: Store) -> None:
    blob, other = put(store, b"one"), put(store, b"other")
    store.delete(blob)
    store.delete(blob)
    store.delete(uuid4())
    with pytest.raises(BlobMissing):
        store.open(blob)
    assert read(store, other) == b"other"


def test_a_blob_that_fails_to_fill_leaves_nothing_behind(store: Store) -> None:
    blob = uuid4()

    def fail(write: object) -> None:
        assert callable(write)
        for _ in range(20):
            write(memoryview(bytes(MIB)))
        raise SealBroken

    with pytest.raises(SealBroken):
        store.put(blob, fail)
    with pytest.raises(BlobMissing):
        store.open(blob)
    assert list(store.stored()) == []
    assert store.remove_unfinished(datetime.now(UTC) + timedelta(days=1)) == 0


def test_all_blobs_are_listed_with_their_size_and_time(store: Store) -> None:
    assert list(store.stored()) == []
    began = datetime.now(UTC) - timedelta(seconds=2)
    wanted = {put(store, bytes(size)): size for size in (1, 20, 300)}
    found = list(store.stored())
    assert {item.blob: item.size for item in found} == wanted
    for item in found:
        assert began <= item.changed_at <= datetime.now(UTC) + timedelta(seconds=2)


def test_a_new_store_is_well_and_says_where_it_is_without_credentials(store: Store, s3: S3) -> None:
    store.health()
    assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in store.describe() + repr(store)


# The folder


def test_a_blob_is_for_its_owner_alone(folder: Store, tmp_path: Path) -> None:
    blob = put(folder, b"sealed")
    path = tmp_path / "blobs" / blob.hex[-2:] / blob.hex
    assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0


def test_nothing_but_a_blobs_own_name_in_its_own_place_is_listed(folder: Store, tmp_path: Path) -> None:
    blob = put(folder, b"sealed")
    shelf = tmp_path / "blobs" / blob.hex[-2:]
    (shelf / "README").write_text("not ours")
    (shelf / blob.hex.upper()).write_text("not its name")
    other = uuid4().hex[:-2] + ("00" if blob.hex[-2:] != "00" else "11")
    (shelf / other).write_text("on the wrong shelf")
    (tmp_path / "blobs" / "lost+found").mkdir()
    (tmp_path / "blobs" / "file").write_text("")
    assert [item.blob for item in folder.stored()] == [blob]


def test_what_a_killed_writer_left_goes_when_it_is_old(folder: Store, tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        folder.put(uuid4(), lambda write: (write(memoryview(b"begun")), os.kill(os.getpid(), 9)))
    assert os.waitpid(child, 0)[1] == 9
    assert list(folder.stored()) == []
    assert folder.remove_unfinished(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert folder.remove_unfinished(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_a_folder_that_is_not_mounted_lacks_no_blob(folder: Store, tmp_path: Path) -> None:
    blob = put(folder, b"sealed")
    (tmp_path / "blobs").rename(tmp_path / "away")
    with pytest.raises(BlobsUnavailable, match="LETTERLOCK_BLOB_URL"):
        folder.open(blob)


def test_a_full_disk_is_a_reason_to_wait(folder: Store, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(OSError, match="Mend the disk") as refused:
            put(folder, bytes(2 * MIB))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert isinstance(refused.value, BlobsUnavailable)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


# The bucket


@pytest.fixture
def client(s3: S3, monkeypatch: pytest.MonkeyPatch) -> object:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.session.Session().client("s3", endpoint_url=s3.endpoint, region_name="eu-north-1")


def test_an_upload_of_a_killed_writer_is_removed_when_it_is_old(bucket: Store) -> None:
    child = os.fork()
    if child == 0:

        def half(write: object) -> None:
            assert callable(write)
            write(memoryview(bytes(PART_BYTES)))
            os.kill(os.getpid(), 9)

        bucket.put(uuid4(), half)
    assert os.waitpid(child, 0)[1] == 9
    assert list(bucket.stored()) == []
    # This server says of every upload that it began in 2010.
    assert bucket.remove_unfinished(datetime(2010, 1, 1, tzinfo=UTC)) == 0
    assert bucket.remove_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert bucket.remove_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 0


def test_the_server_keeps_a_checksum_of_every_blob(s3: S3, bucket: BucketStore, client: object) -> None:
    for size in (100, 2 * PART_BYTES + 1):
        blob = put(bucket, os.urandom(size))
        found = client.head_object(  # type: ignore[attr-defined]
            Bucket=s3.bucket, Key=bucket._key(blob), ChecksumMode="ENABLED"
        )
        assert found["ChecksumSHA256"]


def test_reading_on_and_on_takes_few_requests(bucket: Store) -> None:
    blob = put(bucket, os.urandom(12 * MIB))
    with bucket.open(blob) as source:
        asked = []
        fetch = source._fetch  # type: ignore[attr-defined]
        source._fetch = lambda start, end: asked.append(end - start) or fetch(start, end)  # type: ignore[attr-defined]
        step = 65_552
        for start in range(0, source.size, step):
            source.read_at(start, step)
    assert len(asked) < 14
    assert asked[0] == step
    assert max(asked) <= AHEAD_BYTES + step


def test_a_blob_that_shrank_is_truncated_when_it_is_read(s3: S3, bucket: BucketStore, client: object) -> None:
    key, context = os.urandom(32), Context(uuid4(), "part/1")
    sealer = Sealer(key, context)
    blob = uuid4()
    bucket.put(blob, lambda write: sealer.seal_all([bytes(300_000)], write))
    with bucket.open(blob) as source:
        opener = Opener(source, key, context)
        client.put_object(Bucket=s3.bucket, Key=bucket._key(blob), Body=b"LLS1")  # type: ignore[attr-defined]
        with pytest.raises(Truncated):
            opener.read(0, 70_000)


def test_a_bucket_that_is_not_there_lacks_no_blob(s3: S3, bucket: Store) -> None:
    away = store_of(f"s3://no-such-bucket/x?endpoint={s3.endpoint}&region=eu-north-1")
    for use in (away.health, lambda: away.open(uuid4()), lambda: list(away.stored()), lambda: put(away, b"x")):
        with pytest.raises(BlobsUnavailable, match="LETTERLOCK_BLOB_URL"):
            use()


def test_a_server_that_is_away_is_a_reason_to_wait_and_it_recovers_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = S3()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    away = store_of(server.url)
    began = time.monotonic()
    for use in (away.health, lambda: away.open(uuid4()), lambda: put(away, b"x")):
        with pytest.raises(BlobsUnavailable) as refused:
            use()
        assert refused.value.__cause__ is None
        assert str(server.port) not in str(refused.value)
    assert time.monotonic() - began < 60
    with server:
        assert read(away, put(away, b"sealed")) == b"sealed"


# The setting


@pytest.mark.parametrize("path", ["/srv/blobs", "/srv/with space & umlaut ä", "/srv/50%25/#1"])
def test_a_folder_is_named_as_it_stands(path: str) -> None:
    found = store_of(f"file://{path}")
    assert isinstance(found, FolderStore)
    assert path in found.describe()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "blobs",
        "file://host/folder",
        "s3://",
        "s3:///prefix",
        "https://bucket/",
        "s3://key:secret@bucket/",
        "s3://bucket/?secret=x",
    ],
)
def test_what_is_no_store_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BlobSettingRefused) as refused:
        store_of(url)
    assert "secret@" not in str(refused.value)


def test_a_start_with_an_unusable_store_is_refused() -> None:
    for url in ("ftp://host/", "blobs", "s3://key:secret@bucket"):
        with pytest.raises(configuration.ConfigurationError, match="LETTERLOCK_BLOB_URL") as refused:
            configuration.read({"LETTERLOCK_BLOB_URL": url})
        assert "secret" not in str(refused.value)
    assert configuration.read({"LETTERLOCK_DATA": "/srv/x"}).blob_url == "file:///srv/x/blobs"


def test_what_is_put_into_a_folder_or_deleted_there_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = tmp_path / "blobs"
    store, disk = store_of(f"file://{blobs}"), Disk(monkeypatch)
    blob = put(store, b"sealed")
    (path,) = blobs.glob("*/*")
    assert disk.keeps(path)
    disk = Disk(monkeypatch)
    store.delete(blob)
    assert not disk.forgot(path.parent)
