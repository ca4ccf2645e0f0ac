"""Messages of two brands that went through the real pipeline, and a client that speaks as a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.api import tokens
from portal.api.scopes import Scope
from portal.delivery.models import Outbound
from portal.delivery.sending import send_due
from portal.ingest import pipeline, spool
from portal.ingest.models import Spooled
from tests.mails import JONAS, KARIN, MAYA, mail

CANARY = "canary-4711"
Arrive = Callable[..., UUID]


class Program:
    """A program with a token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: object, **headers: str) -> HttpResponse:
        """`body` is made JSON unless it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, raw, **headers)

    def ask(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json", **headers: str
    ) -> HttpResponse:
        given = {"Authorization": f"Bearer {self.token}", **headers}
        where = path if path.startswith("/api/v1") else f"/api/v1{path}"
        kind = content_type if method == "POST" else ""
        answer: HttpResponse = self._client.generic(method, where, body, kind, headers=given)  # type: ignore[assignment]
        return answer


def body_of(answer: HttpResponse, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def refused(answer: HttpResponse, status: int) -> str:
    """The detail of a problem document."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(answer.content)["detail"])


@pytest.fixture
def brands(db: None) -> tuple[Brand, Brand]:
    """The default one, and the one that senders at quay.example write under."""
    alder = Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", domains=["aldervalley.example"], is_default=True
    )
    quay = Brand.objects.create(slug="quay", name="Quay Law", host="quay.example", domains=["quay.example"])
    return alder, quay


@pytest.fixture
def arrive(brands: tuple[Brand, Brand]) -> Arrive:
    """Hands a mail to the spool and lets the pipeline and the senders run; gives its id."""

    def arrived(sender: str = MAYA, to: Iterable[str] = (JONAS, KARIN), *headers: tuple[str, str]) -> UUID:
        writer = spool.SpoolWriter.begin(spool.Envelope(sender, tuple(to), "smtp", trusted=True))
        raw = mail(f"[secure] {CANARY}", f"The word is {CANARY}.", headers=headers)
        writer.write(raw.replace(MAYA.encode(), sender.encode()))
        id_ = writer.commit()
        run_pipeline()
        return id_

    return arrived


def run_pipeline() -> None:
    pipeline.process()
    send_due([Outbound.Kind.NOTICE, Outbound.Kind.RELAY])
    Spooled.objects.update(leased_until=None, due_at=timezone.now())  # as a few seconds later
    pipeline.process()


@pytest.fixture
def program(brands: tuple[Brand, Brand]) -> Callable[..., Program]:
    """Makes a token with these scopes, of one brand or of all."""

    def made(*allowed: Scope, brand: Brand | None = None) -> Program:
        name = f"{' '.join(allowed)} {brand.slug if brand else ''}"[:80]
        return Program(tokens.create(name, allowed, brand=brand))

    return made
