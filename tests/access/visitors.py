"""Readers to test with, and browsers that visit the portal as a person does."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import cbor2
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import cookies, grants
from portal.access.models import Provider
from portal.access.oidc.known import Known
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.readers import Envelope
from portal.vault.rights import Rights

CODE = re.compile(rb"(?m)^(\d{8})\r?$")


class Clock:
    """Stands in for the wall clock; it moves only when told."""

    def __init__(self) -> None:
        self.moment = timezone.now()

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


def make_brand(host: str, **fields: Any) -> Brand:
    return Brand.objects.create(
        **{"slug": host.partition(".")[0], "name": "Alder Valley Clinic", "host": host, **fields}
    )


def make_reader(brand: Brand, address: str, **fields: Any) -> Reader:
    """A message from Maya with one reader. Its content is empty: nothing here opens it."""
    number, reader = uuid4(), uuid4()
    envelope = Envelope("Dr Maya Lindqvist", "maya@aldervalley.example", timezone.now(), "<1@aldervalley.example>")
    message = Message.objects.create(
        id=number,
        brand=brand,
        thread=number,
        made_at=timezone.now(),
        rights=Rights().encode(),
        envelope=readers.seal_envelope(number, envelope),
        padded_size=0,
        container=cbor2.dumps({}),
        **fields,
    )
    link = readers.new_link()
    return Reader.objects.create(
        id=reader,
        message=message,
        number=0,
        address=readers.seal_address(reader, address),
        address_lookup=readers.address_lookup(address),
        link=readers.seal_link(reader, link),
        link_lookup=keys().lookup("link", link),
    )


def make_provider(brand: Brand, slug: str, kind: str, *domains: str, **fields: Any) -> Provider:
    """A row as `manage.py provider add` leaves it, of a provider that is nowhere."""
    name = {"google": "Google", "microsoft": "Microsoft", "yahoo": "Yahoo"}.get(slug, slug.title())
    issuer = f"https://{slug}.example"
    row = Provider(slug=slug, kind=kind, name=name, issuer=issuer, client_id="x", domains=list(domains), **fields)
    published = Known(issuer, f"https://pages.{slug}.example/auth", issuer, "", issuer, "none", False, [])
    row.known, row.known_at = published.sealed(row), timezone.now()
    row.save()
    row.brands.add(brand)
    grants.seal(row)
    row.save(update_fields=["seal"])
    return row


def mails() -> list[EmailMessage]:
    """Every passcode mail that would leave now, oldest first, written by the builder that the sender uses."""
    rows = Outbound.objects.filter(kind="passcode", state="due").order_by("made_at")
    prepared = [letters.prepare(row) for row in rows]
    whole = [b"".join(mail.data) for mail in prepared if mail is not None]
    return [message_from_bytes(raw, policy=policy.default) for raw in whole]  # type: ignore[misc]


def code_in(mail: EmailMessage) -> str:
    """The digits that stand on a line of their own in the text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    found = CODE.search(part.get_content().encode())
    assert found is not None
    return found[1].decode()


def newest_code() -> str:
    return code_in(mails()[-1])


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


class Visitor:
    """One browser at one brand's host."""

    def __init__(self, brand: Brand, *, enforce_csrf: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=enforce_csrf, headers={"host": brand.host})

    def get(self, url: str) -> HttpResponse:
        return self.client.get(url)  # type: ignore[return-value]

    def post(self, url: str, **data: str) -> HttpResponse:
        return self.client.post(url, data)  # type: ignore[return-value]

    def ask(self, reader: Reader) -> HttpResponse:
        return self.post(f"/m/{readers.link_of(reader)}/ask/")

    def enter(self, reader: Reader, code: str, **more: str) -> HttpResponse:
        return self.post(f"/m/{readers.link_of(reader)}/passcode/", code=code, **more)

    def see(self, reader: Reader) -> HttpResponse:
        return self.get(f"/m/{readers.link_of(reader)}/passcode/")

    def find(self, address: str) -> HttpResponse:
        return self.post("/m/", address=address)

    def prove(self, reader: Reader, **more: str) -> HttpResponse:
        """Ask, read the mail, type the code."""
        assert self.ask(reader).status_code == 303
        return self.enter(reader, newest_code(), **more)

    def cookie(self, name: str) -> str:
        morsel = self.client.cookies.get(name)
        return morsel.value if morsel else ""

    @property
    def session(self) -> str:
        return self.cookie(cookies.SESSION)


def words(response: HttpResponse) -> str:
    """A page's text with its entities and line breaks evened out."""
    text = response.content.decode().replace("<wbr>", "")
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).replace("&#x27;", "'").replace("&quot;", '"').split())
    return re.sub(r" (?=[.,:])", "", plain)
