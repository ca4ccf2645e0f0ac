"""What somebody sees when no page can be made: whose fault it is, and that nothing is lost."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory

from branding.models import Brand
from portal.reading import failures

pytestmark = pytest.mark.django_db


def test_a_form_that_is_too_large_is_told_so_and_not_that_it_was_not_understood() -> None:
    Brand.objects.create(slug="alder", name="Alder", host="localhost", is_default=True)
    body = b"message=" + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b"x"
    client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    client.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    answer = client.post("/write/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "Nothing was sent." in answer.content.decode()


def test_without_a_database_pages_say_that_messages_are_safe(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise OperationalError("connection to 192.0.2.7 as letterlock failed")
    except OperationalError:
        answer = failures.server_error(RequestFactory().get("/"))
    assert (answer.status_code, answer["Retry-After"]) == (503, str(failures.RETRY_SECONDS))
    assert "Your messages are safe." in answer.content.decode()
    assert "192.0.2.7" not in answer.content.decode() + caplog.text
    assert "without the database" in caplog.text


def test_what_no_database_can_look_for_was_not_understood_and_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes: canary")
    except DataError:
        answer = failures.server_error(RequestFactory().get("/admin/reports/"))
    assert answer.status_code == 400
    assert "canary" not in answer.content.decode() + caplog.text
    assert [one.levelname for one in caplog.records] == ["WARNING"]
