"""The blob store in an S3 bucket: parts uploaded as they are sealed, each with a checksum that the server proves.

Credentials come from where the AWS tools look for them, never from a setting of ours.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from portal.vault.behind import Write
from portal.vault.blobstore import Stored, blob_of, name_of
from portal.vault.errors import BlobMissing, BlobsUnavailable

PART_BYTES = 8 * 1024 * 1024
"""S3 takes parts of at least 5 MiB, and at most 10,000 of them: blobs up to 78 GiB."""
AHEAD_BYTES = 4 * 1024 * 1024
"""Most that one request reads in advance, for whoever reads on and on."""
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 2, 20, 4
_MISSING = ("NoSuchKey", "404", "NotFound")


class BucketStore:
    """Blobs in one bucket under a prefix. Safe between threads: so is the client (boto3, "Clients")."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None, region: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint = endpoint
        self._region = region
        self._lock = threading.Lock()
        self._made: Any = None

    def put(self, blob: UUID, fill: Callable[[Write], object]) -> int:
        upload = _Upload(self._client(), self._bucket, self._key(blob))
        with _answers():
            try:
                fill(upload.write)
                return upload.finish()
            except BaseException:
                upload.abort()
                raise

    def open(self, blob: UUID) -> BucketSource:
        try:
            with _answers():
                found = self._client().head_object(Bucket=self._bucket, Key=self._key(blob))
        except BlobMissing:
            self.health()  # a bucket that is gone gives the same answer to HEAD, and then no blob is missing
            raise
        return BucketSource(self._client(), self._bucket, self._key(blob), int(found["ContentLength"]))

    def delete(self, blob: UUID) -> None:
        # S3 answers alike when there was nothing. A bucket that keeps versions keeps the old one, as a backup does.
        with _answers():
            self._client().delete_object(Bucket=self._bucket, Key=self._key(blob))

    def stored(self) -> Iterator[Stored]:
        for page in self._pages("list_objects_v2"):
            for item in page.get("Contents", ()):
                blob = blob_of(item["Key"].removeprefix(self._prefix))
                if blob is not None:
                    yield Stored(blob, int(item["Size"]), item["LastModified"])

    def remove_unfinished(self, before: datetime) -> int:
        removed = 0
        for page in self._pages("list_multipart_uploads"):
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < before:
                    with _answers():
                        self._client().abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                    removed += 1
        return removed

    def health(self) -> None:
        with _answers():
            self._client().list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def create(self) -> bool:
        """Make the bucket; False when it is there already and ours to use."""
        elsewhere = {} if self._region in (None, "us-east-1") else {"LocationConstraint": self._region}
        try:
            with _answers():
                self._client().head_bucket(Bucket=self._bucket)
            return False
        except BlobMissing:
            pass
        with _answers():
            more = {"CreateBucketConfiguration": elsewhere} if elsewhere else {}
            self._client().create_bucket(Bucket=self._bucket, **more)
        return True

    def describe(self) -> str:
        where = f" at {self._endpoint}" if self._endpoint else ""
        return f"the bucket {self._bucket}{where}, under “{self._prefix}”"

    def _pages(self, operation: str) -> Iterator[dict[str, Any]]:
        with _answers():
            pages = iter(self._client().get_paginator(operation).paginate(Bucket=self._bucket, Prefix=self._prefix))
        while True:
            with _answers():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _key(self, blob: UUID) -> str:
        return self._prefix + name_of(blob)

    def _client(self) -> Any:
        # Making one reads a megabyte of descriptions, and is not safe between threads; using one is.
        with self._lock:
            if self._made is None:
                with _answers():
                    self._made = boto3.session.Session().client(
                        "s3", endpoint_url=self._endpoint, region_name=self._region, config=_config(self._endpoint)
                    )
            return self._made


class BucketSource:
    """A stored blob; reads in order are joined into fewer, larger requests. Safe to read from several threads."""

    def __init__(self, client: Any, bucket: str, key: str, size: int) -> None:
        self.size = size
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._lock = threading.Lock()
        self._start, self._kept = 0, b""  # what the last request brought, and where it began
        self._next = -1  # where a reader that goes on in order would read next
        self._ahead = 0

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            end = min(offset + length, self.size)
            if end <= offset:
                return b""
            if not self._start <= offset <= end <= self._start + len(self._kept):
                # Doubling: who reads one chunk gets one, who downloads everything soon has few requests.
                in_order = offset == self._next
                self._ahead = min(max(self._ahead * 2, end - offset), AHEAD_BYTES) if in_order else 0
                self._kept = self._fetch(offset, min(end + self._ahead, self.size))
                self._start = offset
            self._next = end
            return self._kept[offset - self._start : end - self._start]

    def close(self) -> None:
        """Nothing stays open between two reads."""
        self._kept = b""

    def _fetch(self, start: int, end: int) -> bytes:
        with _answers():
            try:
                answer = self._client.get_object(**self._place, Range=f"bytes={start}-{end - 1}")
                with answer["Body"] as body:
                    return bytes(body.read())
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "InvalidRange":
                    return b""  # shorter than it was when it was opened: whoever reads says what that means
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Upload:
    """One blob on its way: a single request when it is small, parts otherwise, never more than one part in memory."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._waiting = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._digests = hashlib.sha256()
        self._size = 0

    def write(self, piece: memoryview) -> None:
        self._waiting += piece
        self._size += len(piece)
        if len(self._waiting) >= PART_BYTES:
            self._send_part()

    def finish(self) -> int:
        """The blob has its name when this returns; its size in bytes."""
        if self._upload is None:
            self._client.put_object(**self._place, Body=bytes(self._waiting), **_checksum(self._waiting))
            return self._size
        if self._waiting:
            self._send_part()
        answer = self._client.complete_multipart_upload(
            **self._place, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
        )
        self._upload = None
        proved = answer.get("ChecksumSHA256", "").partition("-")[0]
        if proved and proved != _base64(self._digests.digest()):
            self._client.delete_object(**self._place)
            raise BlobsUnavailable
        return self._size

    def abort(self) -> None:
        """As far as possible; the rest is removed by `manage.py vault gc`."""
        if self._upload is not None:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**self._place, UploadId=self._upload)

    def _send_part(self) -> None:
        if self._upload is None:
            made = self._client.create_multipart_upload(**self._place, ChecksumAlgorithm="SHA256")
            self._upload = made["UploadId"]
        number, checksum = len(self._parts) + 1, _checksum(self._waiting)
        sent = self._client.upload_part(
            **self._place, UploadId=self._upload, PartNumber=number, Body=bytes(self._waiting), **checksum
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum["ChecksumSHA256"]})
        # The checksum of a whole made of parts is that of their checksums (S3, "Checking object integrity").
        self._digests.update(base64.b64decode(checksum["ChecksumSHA256"]))
        self._waiting = bytearray()


def _checksum(content: bytes | bytearray) -> dict[str, str]:
    """What the server compares with what it received, and refuses the request when they differ."""
    return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _base64(hashlib.sha256(content).digest())}


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _config(endpoint: str | None) -> Config:
    return Config(
        signature_version="s3v4",
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        # Our own checksums are in every request; the client's trailing ones are unknown to many S3-compatible servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
    )


@contextmanager
def _answers() -> Iterator[None]:
    """The client's errors as ours, without their texts: those name hosts, keys and requests."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            raise BlobMissing from None
        raise BlobsUnavailable from None
    except (BotoCoreError, OSError) as error:
        if isinstance(error, BlobsUnavailable):
            raise
        raise BlobsUnavailable from None
