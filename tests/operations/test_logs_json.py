"""Both formats of the log under the same rules: no content, key, code, link or address, by any path into a line."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable

import pytest

from portal import observing
from portal.keys.errors import KeyringMissing
from portal.operations.journals import shown
from portal.operations.logs import JsonFormatter, PlainFormatter, last_word
from portal.operations.middleware import request_id

CANARY = "canary-7f3a"
ADDRESS = f"{CANARY}@mail.example"
LINK = f"https://portal.example/m/{CANARY.replace('-', '')}qrstvwxyz"
FORMATTERS = pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter()], ids=["plain", "json"])


def record_of(name: str, message: object, args: object = (), error: BaseException | None = None) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "file.py", 1, message, (), None)
    made.args = args  # type: ignore[assignment]
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    return made


def caught(make: Callable[[], object]) -> BaseException:
    try:
        make()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def chained() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as cause:
        raise RuntimeError(CANARY) from cause


def grouped() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), OSError(2, CANARY, ADDRESS)])


PATHS = {
    "our message with an address": record_of("portal.reading", "mail for %s", (ADDRESS,)),
    "our message with a link": record_of("portal.reading", "GET %s", (LINK,)),
    "an address in quotes": record_of("portal.reading", 'from "%s" and <%s>', (ADDRESS, ADDRESS)),
    "a foreign argument": record_of("somelibrary", "cannot parse %r", (f"my {CANARY}, and more",)),
    "a foreign named argument": record_of("somelibrary", "cannot parse %(what)s", {"what": f"my {CANARY} and"}),
    "a foreign exception as argument": record_of("somelibrary", "failed: %s", (ValueError(CANARY),)),
    "an exception as the message": record_of("somelibrary", ValueError(CANARY)),
    "lines below the first": record_of("asyncio", f"never retrieved\nfuture: <Task exception={CANARY}>"),
    "a foreign exception": record_of("portal.vault", "It failed.", (), caught(lambda: int(CANARY))),
    "a decoding error": record_of("portal.mime", "No text.", (), caught(lambda: f"{CANARY}\xff".encode("l1").decode())),
    "a chain of exceptions": record_of("portal.mime", "Two.", (), caught(chained)),
    "a group of exceptions": record_of("portal.mime", "Some.", (), caught(grouped)),
    "a failed task": record_of("celery.app.trace", "Task: %(exc)s", {"name": "t", "exc": CANARY}, caught(chained)),
}  # fmt: skip


@FORMATTERS
@pytest.mark.parametrize("path", PATHS)
def test_no_path_into_a_line_brings_content_along(formatter: logging.Formatter, path: str) -> None:
    line = formatter.format(PATHS[path])
    assert CANARY not in line
    assert CANARY.replace("-", "") not in line
    assert "\n" not in line
    assert "ERROR" in line


def test_a_json_line_is_one_object_with_what_it_belongs_to() -> None:
    mail, asked = uuid.uuid4(), observing.Request("proxy-0123456789")
    with observing.answering(asked), observing.mail(mail):
        said = json.loads(JsonFormatter().format(record_of("portal.door", "%d mails “taken”", (3,), KeyringMissing())))
    assert list(said) == ["time", "level", "part", "message", "error", "message_id", "request_id", "trace_id"]
    assert said["message"] == "3 mails “taken”"
    assert said["message_id"] == str(mail)
    assert said["trace_id"] == mail.hex
    assert said["request_id"] == "proxy-0123456789"
    assert said["error"].startswith("[KeyringMissing: The keyring is missing.")


def test_without_mail_and_request_a_json_line_has_only_its_own_fields() -> None:
    assert list(json.loads(JsonFormatter().format(record_of("portal.x", "ok")))) == ["time", "level", "part", "message"]


def test_a_plain_line_names_the_request() -> None:
    with observing.answering(observing.Request("proxy-0123456789")):
        assert PlainFormatter().format(record_of("portal.x", "ok")).endswith("ok (request proxy-0123456789)")


def test_what_is_no_object_becomes_one_in_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERLOCK_LOG_FORMAT", "json")
    line, told = shown(f"thread panicked at {ADDRESS}\n".encode(), "web")
    assert told
    assert json.loads(line)["part"] == "web"
    assert CANARY not in line
    ours = JsonFormatter().format(record_of("portal.x", "ok"))
    assert shown(ours.encode()) == (ours, True)
    quiet = ours.replace("ERROR", "INFO")
    assert shown(quiet.encode()) == (quiet, False)
    assert shown(b"[1, 2]\n")[0].startswith("{"), "a list is no line of ours"


@pytest.mark.parametrize("form", ["plain", "json"])
def test_the_last_word_of_a_process_has_the_logs_format(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERLOCK_LOG_FORMAT", form)
    line = last_word(caught(chained))
    assert CANARY not in line
    assert "RuntimeError" in line
    assert (form == "json") == line.startswith("{")


class _Asked:
    def __init__(self, given: str, peer: str) -> None:
        self.META = {"HTTP_X_REQUEST_ID": given, "REMOTE_ADDR": peer}


@pytest.mark.parametrize(
    ("given", "peer", "https", "believed"),
    [
        ("proxy-0123456789", "127.0.0.1", True, True),
        ("proxy-0123456789", "::ffff:127.0.0.1", True, True),
        ("proxy-0123456789", "192.0.2.7", True, False),
        ("proxy-0123456789", "127.0.0.1", False, False),
        ("short", "127.0.0.1", True, False),
        ("x" * 65, "127.0.0.1", True, False),
        ("proxy-01234\n56789", "127.0.0.1", True, False),
        (f"{CANARY}@mail.example", "127.0.0.1", True, False),
    ],
)
def test_only_the_proxys_well_formed_request_id_is_believed(
    given: str, peer: str, https: bool, believed: bool, settings: object
) -> None:
    from dataclasses import replace

    url = "https://portal.example" if https else "http://localhost:8000"
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url=url)  # type: ignore[attr-defined]
    got = request_id(_Asked(given, peer))  # type: ignore[arg-type]
    assert (got == given) == believed
    assert len(got) >= 8
