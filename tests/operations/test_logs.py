"""No content, key, code, link or address reaches a log line, whoever writes it."""

from __future__ import annotations

import io
import logging

from portal.keys.errors import KeyringMissing
from portal.operations.logs import PlainFormatter

SECRET = "canary-7f3a"


def line_of(name: str, message: str, *args: object, error: BaseException | None = None) -> str:
    record = logging.LogRecord(name, logging.ERROR, "file.py", 1, message, args, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return PlainFormatter().format(record)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_line_has_time_level_part_and_message() -> None:
    line = line_of("letterlock.door", "%d mails taken", 3)
    moment, level, _part, message = line.split(" ", 3)
    assert moment.endswith("Z")
    assert "T" in moment
    assert (level, message) == ("ERROR", "3 mails taken")


def test_a_foreign_exception_shows_its_type_and_place_and_nothing_it_says() -> None:
    line = line_of("portal.vault", "It failed.", error=raised(ValueError(f"could not read {SECRET}")))
    assert SECRET not in line
    assert "[ValueError at " in line
    assert "test_logs.py:" in line


def test_the_bytes_of_a_decoding_error_are_not_shown() -> None:
    try:
        SECRET.encode().join([b"\xff", b"\xfe"]).decode()
    except UnicodeDecodeError as error:
        line = line_of("portal.mime", "No text.", error=error)
    assert SECRET not in line
    assert "UnicodeDecodeError" in line


def test_our_own_errors_say_their_sentence() -> None:
    assert "The keyring is missing." in line_of("portal.keys", "No keys.", error=raised(KeyringMissing()))


def test_a_cause_is_named_by_its_type_only() -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise KeyError("outer") from cause
    except KeyError as error:
        line = line_of("portal.keys", "Two.", error=error)
    assert "because of ValueError" in line
    assert SECRET not in line


def test_what_other_libraries_put_into_their_messages_is_left_out() -> None:
    assert SECRET not in line_of("asyncio", f"Task exception was never retrieved\nfuture: <Task exception={SECRET}>")
    assert SECRET not in line_of("somelibrary", "cannot parse %r", f"my {SECRET}, and more words")
    assert SECRET not in line_of("somelibrary", "cannot parse %s", ValueError(SECRET))
    assert line_of("somelibrary", "took %d of %s", 3, "queue.name").endswith("took 3 of queue.name")


def test_a_failed_task_is_logged_without_its_exceptions_text() -> None:
    error = raised(RuntimeError(SECRET))
    record = logging.LogRecord(
        "celery.app.trace", logging.ERROR, "trace.py", 1, "Task %(name)s[%(id)s] %(description)s: %(exc)s", (), None
    )
    record.args = {"name": "portal.ingest.tasks.process", "id": "1", "description": "raised", "exc": SECRET}
    record.exc_info = (type(error), error, error.__traceback__)
    line = PlainFormatter().format(record)
    assert SECRET not in line
    assert "The task portal.ingest.tasks.process failed. [RuntimeError" in line


def test_links_and_addresses_are_hidden_even_from_our_own_messages() -> None:
    line = line_of("portal.reading", "GET /m/abcdefghjkmnpqrstvwxyz/files/1 by jonas.berg@mail.example")
    assert "abcdefghjkmnpqrstvwxyz" not in line
    assert "jonas" not in line
    assert "/m/…" in line
    assert "/enter/…" in line_of("portal.access", "POST /admin/enter/8GhT5678_secret")


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    assert "\n" not in line_of("portal.rules", "one\n2026-11-24T00:00:00Z INFO door forged")


def test_the_formatter_is_what_the_settings_install(settings: object) -> None:
    stream = io.StringIO()
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, PlainFormatter):
            handler.formatter.format(logging.LogRecord("x", 20, "f", 1, "ok", (), None))
            stream.write("found")
    assert "found" in stream.getvalue()
