"""Messages sealed for real inside this process: through the spool and the pipeline, as the workers do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.test import Client

from branding.models import Brand
from portal.access import cookies, people, sessions
from portal.ingest import pipeline, spool
from portal.ingest.models import Spooled
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.mails import JONAS, MAYA

HOST = "localhost"


def default_brand() -> Brand:
    """The brand that pages and mails of these tests have."""
    return Brand.objects.get_or_create(
        is_default=True, defaults={"slug": "alder", "name": "Alder Valley Clinic", "host": HOST}
    )[0]


def put(raw: bytes, *to: str, sender: str = MAYA, trusted: bool = True) -> Spooled:
    """Spool a mail and let the pipeline take it as far as it goes."""
    default_brand()
    envelope = spool.Envelope(sender=sender, recipients=to or (JONAS,), source="smtp", trusted=trusted)
    writer = spool.SpoolWriter.begin(envelope, len(raw))
    writer.write(raw)
    return turn(writer.commit())


def turn(id_: UUID) -> Spooled:
    """Let the pipeline run; the row as it stands then."""
    pipeline.process()
    return Spooled.objects.get(pk=id_)


def seal(raw: bytes, *to: str, sender: str = MAYA) -> Message:
    """A protected message, sealed."""
    row = put(raw, *to, sender=sender)
    assert row.state == Spooled.State.DONE, row.last_error
    return Message.objects.get(pk=row.pk)


def reader_of(message: Message, address: str = JONAS) -> Reader:
    found: Reader = message.readers.get(address_lookup=readers.address_lookup(address))
    return found


def path_of(reader: Reader) -> str:
    return f"/m/{readers.link_of(reader)}"


def signed_in(reader: Reader) -> Client:
    """A browser in which a reader's address has proved itself just now."""
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    return client


def words(html: bytes) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.decode().replace("<wbr>", "")))


@contextmanager
def keyring_of_before() -> Iterator[None]:
    """What is destroyed inside lives again afterwards: the keyring's files are put back as an old copy."""
    folder = settings.LETTERLOCK.data / "keyring"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    try:
        yield
    finally:
        for path in folder.iterdir():
            path.unlink()
        for path, content in before.items():
            path.write_bytes(content)
        keys()._opened._kept.clear()
