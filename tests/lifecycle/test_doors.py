"""What is closed is refused through every door there is: the list of doors is the portal's own list of addresses."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from portal.access import cookies
from portal.lifecycle import bulk, withdrawing
from portal.lifecycle.actors import COMMAND, Why
from portal.lifecycle.choosing import Choice
from portal.lifecycle.models import Run
from portal.reading import files
from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.reading.files import post, received, travelling
from tests.seals import HOST, path_of, reader_of, seal, signed_in

SUBJECT, SECRET = "Canary-of-the-subject", "canary-of-the-text"
NAME = "canary-of-a-name.txt"


def sealed() -> Reader:
    raw = mail(
        f"[secure] {SUBJECT}",
        SECRET,
        html=f"<p>{SECRET}</p><img src='https://pictures.example/a.png'>",
        files=[(NAME, "text/plain", SECRET.encode())],
    )
    return reader_of(seal(raw, JONAS, KARIN))


def withdrawn(reader: Reader) -> None:
    withdrawing.withdraw(reader.message_id, "wrong")


def withdrawn_from_them(reader: Reader) -> None:
    withdrawing.withdraw_reader(reader.message_id, JONAS, "wrong")


def withdrawn_in_bulk(reader: Reader) -> None:
    run = bulk.ask(Run.Action.WITHDRAW, Choice(sender=MAYA), COMMAND)
    bulk.confirm(run, bulk.count(run).messages, COMMAND, Why.WRONG_CONTENT)
    bulk.carry_out(only=run)


def closed(reader: Reader) -> None:
    Message.objects.filter(pk=reader.message_id).update(open_until=timezone.now() - timedelta(seconds=1))


def destroyed(reader: Reader) -> None:
    withdrawing.withdraw(reader.message_id, "wrong", now=True)


ENDS = [withdrawn, withdrawn_from_them, withdrawn_in_bulk, closed, destroyed]


def doors(resolver: URLResolver | None = None) -> Iterator[str]:
    """Every address behind a message's link, as the portal knows them."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from doors(pattern)
        elif isinstance(pattern, URLPattern) and str(pattern.pattern).startswith("m/<str:link>"):
            yield str(pattern.pattern)


def filled(door: str, reader: Reader) -> str:
    there = {"int": "1", "uuid": str(reader.message_id), "str": str(reader.message_id), "slug": "x"}
    behind = door.removeprefix("m/<str:link>")
    return path_of(reader) + re.sub(r"<(\w+):\w+>", lambda found: there[found[1]], behind)


def said(answer: Any) -> bytes:
    headers = str(answer.headers).encode()
    return headers + (b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content))


def tells(text: bytes) -> bool:
    return any(canary.encode() in text for canary in (SUBJECT, SECRET, NAME))


def test_the_doors_are_all_of_them_and_show_something_while_the_message_is_open(db: None) -> None:
    reader = sealed()
    client = signed_in(reader)
    showing = {door for door in doors() if tells(said(client.get(filled(door, reader))))}
    assert {"m/<str:link>", "m/<str:link>/body", "m/<str:link>/file/<int:number>", "m/<str:link>/files"} <= showing
    assert {"m/<str:link>/reply", "m/<str:link>/forward"} & showing
    assert any("preview" in door for door in showing)


@pytest.mark.parametrize("end", ENDS)
def test_nothing_of_it_comes_through_any_door_once_it_has_ended(db: None, end: Callable[[Reader], None]) -> None:
    reader = sealed()
    client = signed_in(reader)
    assert client.get(path_of(reader)).status_code == 200
    client.post(filled("m/<str:link>/reply", reader), {"text": f"draft about {SECRET}", "save": "1"})
    showing = {door for door in doors() if tells(said(client.get(filled(door, reader))))}
    end(reader)
    for door in doors():
        for ask in (client.get, client.head, client.post):
            answer = ask(filled(door, reader))
            assert not tells(said(answer)), door
            # Only answering goes on for some days after the date, and shows nothing of the message.
            if door in showing and not (end is closed and "reply" in door):
                assert answer.status_code >= 300, door
    for page in ("/inbox/", "/inbox/?show=all", f"/inbox/?q={SUBJECT}", "/sent/"):
        assert SECRET.encode() not in said(client.get(page)), page
    found = client.post("/inbox/", {"q": SUBJECT})
    assert SECRET.encode() not in said(found)


@pytest.mark.parametrize("end", [withdrawn, withdrawn_from_them, closed, destroyed])
def test_the_file_that_came_with_its_notice_opens_nothing_either(db: None, end: Callable[[Reader], None]) -> None:
    reader = reader_of(travelling(text=SECRET, html=f"<p>{SECRET}</p>", files=[(NAME, "text/plain", b"x")]))
    file = received(reader).body
    client = signed_in(reader)
    before = post(file)
    assert tells(said(client.get(before["Location"])))
    end(reader)
    for handle in (before["Location"], post(file)["Location"]):
        answer = client.get(handle)
        assert not tells(said(answer))
        assert answer.status_code == 410


@pytest.mark.parametrize("end", [withdrawn, withdrawn_from_them, closed])
def test_a_running_download_stops(db: None, monkeypatch: pytest.MonkeyPatch, end: Callable[[Reader], None]) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    reader = reader_of(seal(mail(files=[("scan.bin", "application/octet-stream", os.urandom(1_000_000))])))
    client = signed_in(reader)
    for door in ("file/1", "files"):
        stream = iter(client.get(f"{path_of(reader)}/{door}").streaming_content)  # type: ignore[attr-defined]
        assert next(stream)
        end(reader)
        with pytest.raises(ConnectionAbortedError):
            list(stream)
        Message.objects.update(open_until=None, state=Message.State.OPEN)
        Reader.objects.update(withdrawn_at=None)


@pytest.mark.django_db(transaction=True)
def test_a_real_download_over_a_socket_breaks_off_when_it_is_withdrawn(
    live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    size = 20_000_000  # more than the kernel's buffers of both ends hold
    reader = reader_of(seal(mail(files=[("scan.bin", "application/octet-stream", os.urandom(size))])))
    cookie = f"{cookies.SESSION}={signed_in(reader).cookies[cookies.SESSION].value}"
    line = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=120)
    line.request("GET", f"{path_of(reader)}/file/1", headers={"Host": HOST, "Cookie": cookie, "Connection": "close"})
    answer = line.getresponse()
    got = len(answer.read(64 * 1024))
    withdrawing.withdraw(reader.message_id, "wrong")
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    assert got + len(broken.value.partial) < size
    line.close()
