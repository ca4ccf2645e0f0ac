"""Pictures of the internet come only when asked for, by way of the portal alone, and lead it nowhere else."""

from __future__ import annotations

import base64
import io
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import dns.message
import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from PIL import Image

from branding.models import Brand
from portal.delivery import resolving
from portal.lifecycle import withdrawing
from portal.reading import allowance, fetching, pictures, reencoding
from portal.reading.fetching import Reach, Unfetched
from portal.reading.reencoding import NotAPicture, re_encode
from portal.vault.models import Fetched, Message, Reader
from tests.mails import mail
from tests.peers import dns as names
from tests.peers import pictures as hosts
from tests.seals import path_of, reader_of, seal, signed_in, words

NAME = "pictures.example"


@pytest.fixture(scope="module")
def host() -> Iterator[hosts.Host]:
    with hosts.serving() as running:
        yield running


@pytest.fixture
def zone(settings: Any) -> Iterator[names.Zone]:
    """A resolver that knows NAME, as this computer."""
    resolving._resolver.cache_clear()
    with names.serving(names.Zone({(NAME, "A"): ["127.0.0.1"]})) as running:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(running.resolver,))
        yield running


@pytest.fixture
def near(zone: names.Zone, host: hosts.Host, monkeypatch: pytest.MonkeyPatch) -> str:
    """The host's address, which the fetcher may reach though it is on this computer."""
    monkeypatch.setattr(fetching, "INTERNET", Reach(frozenset({host.port, 80, 443}), private=True))
    host.asked.clear()
    host.paths.clear()
    host.paths["/a.png"] = hosts.picture()
    return f"http://{NAME}:{host.port}"


def message(html: str) -> Reader:
    return reader_of(seal(mail(html=html)))


def asked_for(reader: Reader) -> Client:
    """A browser whose reader has pressed Show."""
    client = signed_in(reader)
    assert client.post(f"{path_of(reader)}/pictures").status_code == 303
    return client


# The pages


@pytest.mark.django_db
def test_they_are_hidden_until_asked_for_and_then_come_through_the_portal(near: str, host: hosts.Host) -> None:
    reader = message(f'<p>Hello <img src="{near}/a.png" alt="A map"></p>')
    client, at = signed_in(reader), path_of(reader)
    page = client.get(at).content.decode()
    assert f'action="{at}/pictures"' in page
    assert "1 picture from the internet is hidden" in words(page.encode())
    assert "src=" not in client.get(f"{at}/body").content.decode()
    assert client.get(f"{at}/picture/1").status_code == 404
    assert host.asked == []

    assert client.post(f"{at}/pictures")["Location"] == at
    body = client.get(f"{at}/body")
    assert '<img src="picture/1" alt="A map">' in body.content.decode()
    assert "img-src 'self' data:" in body["Content-Security-Policy"]
    assert NAME not in body.content.decode()
    shown = client.get(f"{at}/picture/1")
    assert (shown["Content-Type"], shown["Cache-Control"]) == ("image/png", "no-store")
    assert shown["X-Content-Type-Options"] == "nosniff"
    with Image.open(io.BytesIO(shown.content)) as found:
        assert found.size == (30, 20)
    assert "Pictures from the internet are shown" in words(client.get(at).content)


@pytest.mark.django_db
def test_the_other_side_learns_nothing_but_that_it_was_asked(near: str, host: hosts.Host) -> None:
    reader = message(f'<img src="{near}/a.png">')
    client = asked_for(reader)
    client.get(f"{path_of(reader)}/picture/1", headers={"Referer": "http://localhost/m/x", "User-Agent": "Theirs/1"})
    client.get(f"{path_of(reader)}/picture/1")
    assert [(method, path) for method, path, _ in host.asked] == [("GET", "/a.png")] * 2
    for _, _, headers in host.asked:
        assert set(headers) == {"host", "user-agent", "accept", "connection"}
        assert headers["user-agent"] == "Mozilla/5.0"


@pytest.mark.django_db
def test_only_what_is_in_the_message_can_be_asked_for(near: str, host: hosts.Host) -> None:
    reader = message(f'<img src="{near}/a.png"><img src="{near}/a.png"><img src="picture/2" data-picture="picture/2">')
    client, at = asked_for(reader), path_of(reader)
    assert client.get(f"{at}/body").content.decode().count('src="picture/1"') == 2
    for other in ("picture/0", "picture/2", f"picture/{near}/a.png", "picture/1?url=http://evil.example/"):
        client.get(f"{at}/{other}")
    assert {path for _, path, _ in host.asked} == {"/a.png"}
    assert client.get(f"{at}/picture/2").status_code == 404


@pytest.mark.django_db
def test_a_choice_holds_for_this_session_and_message_alone(near: str, host: hosts.Host) -> None:
    reader, other = message(f'<img src="{near}/a.png">'), message(f'<img src="{near}/a.png">')
    client = asked_for(reader)
    assert client.get(f"{path_of(other)}/picture/1").status_code == 404
    chosen = client.cookies[pictures.COOKIE].value
    for browser, at in ((client, path_of(other)), (signed_in(reader), path_of(reader))):
        browser.cookies[pictures.COOKIE] = chosen
        assert browser.get(f"{at}/picture/1").status_code == 404
    assert host.asked == []


@pytest.mark.django_db
def test_they_are_refused_like_the_message_they_are_in(near: str, host: hosts.Host) -> None:
    reader = message(f'<img src="{near}/a.png">')
    client, at = asked_for(reader), path_of(reader)
    assert Client(HTTP_HOST="localhost").get(f"{at}/picture/1").status_code == 302
    Message.objects.update(open_until=timezone.now())
    assert client.get(f"{at}/picture/1").status_code == 410
    Message.objects.update(open_until=timezone.now() + timedelta(days=1))
    withdrawing.withdraw(reader.message_id, "", now=True)
    assert client.get(f"{at}/picture/1").status_code == 410
    assert client.post(f"{at}/pictures").status_code == 410
    assert host.asked == []


@pytest.mark.django_db
def test_a_brand_that_says_never_shows_none(near: str, host: hosts.Host) -> None:
    reader = message(f'<img src="{near}/a.png">')
    client, at = asked_for(reader), path_of(reader)
    Brand.objects.update(pictures="never")
    page = client.get(at).content.decode()
    assert "1 picture from the internet is hidden" in words(page.encode())
    assert "/pictures" not in page
    assert "src=" not in client.get(f"{at}/body").content.decode()
    assert client.get(f"{at}/picture/1").status_code == 404
    assert client.post(f"{at}/pictures").status_code == 404
    assert host.asked == []


@pytest.mark.django_db
def test_get_and_head_choose_nothing_and_fetch_nothing(near: str, host: hosts.Host) -> None:
    reader = message(f'<img src="{near}/a.png">')
    client, at = signed_in(reader), path_of(reader)
    assert client.get(f"{at}/pictures").status_code == 405
    assert client.head(f"{at}/pictures").status_code == 405
    client = asked_for(reader)
    assert client.head(f"{at}/picture/1").status_code == 200
    assert host.asked == []


@pytest.mark.django_db
def test_a_script_is_answered_without_a_page(near: str) -> None:
    reader = message(f'<img src="{near}/a.png">')
    answer = signed_in(reader).post(f"{path_of(reader)}/pictures", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.cookies[pictures.COOKIE]["path"] == path_of(reader)


@pytest.mark.django_db
def test_a_message_without_them_has_nothing_to_press() -> None:
    for html in ("<p>x</p>", '<table background="http://x.example/1.png"><tr><td>x</table>'):
        reader = message(html)
        client = signed_in(reader)
        assert "data-pictures>" not in client.get(path_of(reader)).content.decode()
        assert client.post(f"{path_of(reader)}/pictures").status_code == 404


@pytest.mark.django_db
def test_a_network_and_a_brand_have_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "OF_A_NETWORK", 2)
    monkeypatch.setattr(allowance, "OF_A_BRAND", 3)
    brand, now = message("<p>x</p>").message.brand, timezone.now().replace(minute=5)
    assert [allowance.take(brand, "192.0.2.0/24", now) for _ in range(3)] == [True, True, False]
    assert [allowance.take(brand, "198.51.100.0/24", now) for _ in range(2)] == [True, False]
    assert allowance.take(brand, "192.0.2.0/24", now + allowance.SPAN)
    assert Fetched.objects.count() == 2, "rows of spans that are over go"


@pytest.mark.django_db
def test_beyond_that_nothing_is_fetched(near: str, host: hosts.Host, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = message(f'<img src="{near}/a.png">')
    client = asked_for(reader)
    monkeypatch.setattr(allowance, "OF_A_BRAND", 0)
    assert client.get(f"{path_of(reader)}/picture/1").status_code == 404
    assert host.asked == []


@pytest.mark.django_db
def test_where_all_places_are_taken_nobody_waits_for_long(
    near: str, host: hosts.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow server on the other side must not hold up every thread that shows pages."""
    reader = message(f'<img src="{near}/a.png">')
    client = asked_for(reader)
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.1)
    with ExitStack() as stack:
        for _ in range(pictures.AT_ONCE):
            stack.enter_context(pictures._place())
        assert client.get(f"{path_of(reader)}/picture/1").status_code == 404
    with ExitStack() as stack:
        for _ in range(pictures.AT_ONCE + pictures.WAITING):
            assert pictures._queue.acquire(blocking=False)
            stack.callback(pictures._queue.release)
        monkeypatch.setattr(pictures, "WAIT_SECONDS", 60.0)
        assert client.get(f"{path_of(reader)}/picture/1").status_code == 404
    assert host.asked == []
    assert client.get(f"{path_of(reader)}/picture/1").status_code == 200


@pytest.mark.django_db
def test_no_log_names_an_address(near: str, host: hosts.Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host.paths["/secret-4711"] = b"none"
    host.paths["/secret-4712"] = "http://10.0.0.1/secret-4713"
    reader = message("".join(f'<img src="{near}/secret-{number}">' for number in (4711, 4712, 4714)))
    client = asked_for(reader)
    for number in (1, 2, 3):
        assert client.get(f"{path_of(reader)}/picture/{number}").status_code == 404
    assert "is not shown" in caplog.text
    assert "secret" not in caplog.text.replace("/pictures", "")
    assert NAME not in caplog.text


# The fetcher


@pytest.mark.parametrize(
    "address",
    [
        "ftp://pictures.example/a.png",
        "file:///etc/passwd",
        "https://pictures.example:8443/a.png",
        "http://pictures.example:25/",
        "http://user@pictures.example/",
        "http://user:word@pictures.example/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1%25lo]/",
        "http://[bad/",
        "http:///a.png",
        "http://a..b/",
        f"http://{'a' * 64}.example/",
        "http://pictures.example:99999/",
    ],
)
def test_an_address_that_is_none_is_not_asked(zone: names.Zone, address: str) -> None:
    with pytest.raises(Unfetched):
        fetching.fetch(address)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("A", "127.0.0.1"),
        ("A", "10.1.2.3"),
        ("A", "169.254.169.254"),
        ("A", "100.64.0.1"),
        ("A", "192.0.0.192"),
        ("A", "168.63.129.16"),
        ("A", "224.0.0.1"),
        ("A", "0.0.0.0"),
        ("AAAA", "::1"),
        ("AAAA", "fd00::1"),
        ("AAAA", "fe80::1"),
        ("AAAA", "::ffff:10.0.0.1"),
        ("AAAA", "64:ff9b::a9fe:a9fe"),
        ("AAAA", "64:ff9b:1::808:808"),
        ("AAAA", "2002:a00:1::1"),
        ("AAAA", "2001:0:808:808::1"),
        ("AAAA", "::10.0.0.1"),
        ("AAAA", "fec0::1"),
    ],
)
def test_neither_a_name_nor_a_number_leads_into_a_network_of_ours(
    zone: names.Zone, monkeypatch: pytest.MonkeyPatch, kind: str, address: str
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise AssertionError("It was connected to.")

    monkeypatch.setattr(socket, "create_connection", reached)
    zone.records = {("inner.example", kind): [address], ("inner.example", "A"): ["1.1.1.1"]}
    zone.records[("inner.example", kind)] = [address]
    written = f"[{address}]" if ":" in address else address
    for host in ("inner.example", written):
        with pytest.raises(Unfetched, match="not public"):
            fetching.fetch(f"http://{host}/a.png")


def test_a_name_that_changes_its_mind_is_reached_where_it_was_looked_at(
    zone: names.Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is public, every later one is not, and none lives for a second."""
    to: list[object] = []

    def connected(address: object, **_: object) -> None:
        to.append(address)
        raise OSError

    told = zone.answer

    def answer(wire: bytes) -> bytes:
        if (NAME, "A") in zone.asked:
            zone.records[(NAME, "A")] = ["10.0.0.1"]
        response = dns.message.from_wire(told(wire))
        for rrset in response.answer:
            rrset.ttl = 0
        return response.to_wire()

    zone.records[(NAME, "A")] = ["1.1.1.1"]
    monkeypatch.setattr(zone, "answer", answer)
    monkeypatch.setattr(socket, "create_connection", connected)
    with pytest.raises(Unfetched, match="no answer"):
        fetching.fetch(f"http://{NAME}/a.png")
    assert to == [("1.1.1.1", 80)]
    with pytest.raises(Unfetched, match="not public"):
        fetching.fetch(f"http://{NAME}/a.png")
    assert len(to) == 1


def test_a_redirect_is_followed_and_looked_at_like_the_first_address(near: str, host: hosts.Host) -> None:
    host.paths |= {"/moved": "/a.png", "/far": f"{near}/moved", "/round": "/round"}
    assert fetching.fetch(f"{near}/far") == host.paths["/a.png"]
    with pytest.raises(Unfetched, match="too often"):
        fetching.fetch(f"{near}/round")
    assert [path for _, path, _ in host.asked].count("/round") == 1 + fetching.MOST_REDIRECTS


@pytest.mark.parametrize("target", ["http://10.0.0.1/a.png", "http://inner.example/", "http://[::1]/", "file:///etc"])
def test_a_redirect_into_a_network_of_ours_is_refused(
    near: str, host: hosts.Host, zone: names.Zone, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """The first host is let pass here; nothing after it is."""
    monkeypatch.setattr(fetching, "INTERNET", Reach(frozenset({host.port, 80})))
    monkeypatch.setattr(fetching, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(fetching, "is_own", lambda address: False)
    zone.records[("inner.example", "A")] = ["192.168.1.1"]
    host.paths["/away"] = target
    with pytest.raises(Unfetched, match=r"public|ports"):
        fetching.fetch(f"{near}/away")
    assert [path for _, path, _ in host.asked] == ["/away"]


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(bytes(64 * 1024))


def _announced(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(fetching.MOST_BYTES + 1))
    handler.end_headers()


def _slow(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"\x89")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [_endless, _announced])
def test_what_is_too_large_is_left(near: str, host: hosts.Host, answer: hosts.Answer) -> None:
    host.paths["/large"] = answer
    with pytest.raises(Unfetched, match="too large"):
        fetching.fetch(f"{near}/large")


def test_what_is_too_slow_is_left(near: str, host: hosts.Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.4)
    host.paths["/slow"] = _slow
    began = time.monotonic()
    try:
        found = fetching.fetch(f"{near}/slow")
    except Unfetched:
        found = b""
    assert time.monotonic() - began < 8, "all of it takes ten seconds"
    assert len(found) < 200


def test_odd_characters_are_written_as_browsers_write_them(near: str, host: hosts.Host) -> None:
    host.paths["/a%20b%C3%BC.png?x=%22y"] = hosts.picture()
    assert fetching.fetch(f'{near}/a bü.png?x="y#part')


# What is shown of it


@pytest.mark.parametrize(("kind", "made"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "PNG"), ("WEBP", "JPEG")])
def test_a_picture_is_written_anew(kind: str, made: str) -> None:
    again = re_encode(hosts.picture(kind))
    with Image.open(io.BytesIO(again)) as found:
        assert (found.format, found.size) == (made, (30, 20))
    assert reencoding.content_type(again) == f"image/{made.lower()}"


def test_what_a_picture_carries_besides_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where and who"
    exif[0x0112] = 6  # lies on its side
    data = hosts.picture("JPEG", exif=exif, comment=b"a comment") + b"<script>a tail</script>"
    again = re_encode(data)
    assert not any(word in again for word in (b"where and who", b"a comment", b"a tail"))
    with Image.open(io.BytesIO(again)) as found:
        assert found.size == (20, 30)


def test_a_large_one_is_made_smaller() -> None:
    with Image.open(io.BytesIO(re_encode(hosts.picture("JPEG", (3000, 300))))) as found:
        assert found.size == (2000, 200)


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><img src=x></html>",
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        hosts.picture("BMP"),
        hosts.picture("TIFF"),
    ],
    ids=["svg", "html", "nothing", "broken", "bmp", "tiff"],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        re_encode(data)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(NotAPicture):
        re_encode(hosts.picture("PNG", (9000, 9000)))


def test_one_that_takes_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencoding, "SECONDS", 0.01)
    with pytest.raises(NotAPicture):
        re_encode(hosts.picture())


# Pictures that came with the mail


def _with_parts(html: str, *parts: bytes) -> bytes:
    head = mail("[secure] x").partition(b"\r\nContent-Type")[0].replace(b"MIME-Version: 1.0\r\n", b"")
    pieces = [b"Content-Type: text/html\r\n\r\n" + html.encode(), *parts]
    return (
        head
        + b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
        + b"".join(b"--B\r\n" + piece + b"\r\n" for piece in pieces)
        + b"--B--\r\n"
    )


def _part(headers: str, data: bytes, kind: str = "image/png") -> bytes:
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{headers}\r\n\r\n".encode() + encoded


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "src"),
    [
        ("Content-ID: <a@b>", "cid:a@b"),
        ("Content-ID: a@b", "cid:a%40b"),
        ("Content-ID:  < a@b > (a comment)", "CID:a@b"),
        ("Content-ID: <a b@c>", "cid:a b@c"),
        ("Content-ID: <a&b@c>", "cid:a&amp;b@c"),
        ("Content-ID: <a@b>", "cid:<a@b>"),
        ("Content-Location: http://x.example/a.png", "http://x.example/a.png"),
        ("Content-Location:\r\n a.png", "a.png"),
    ],
)
def test_a_picture_in_the_mail_is_shown_at_once_whatever_names_it(header: str, src: str) -> None:
    data = hosts.picture()
    reader = reader_of(seal(_with_parts(f'<img src="{src}">', _part(header, data))))
    client, at = signed_in(reader), path_of(reader)
    assert '<img src="inline/1">' in client.get(f"{at}/body").content.decode()
    shown = client.get(f"{at}/inline/1")
    assert (shown["Content-Type"], b"".join(shown.streaming_content)) == ("image/png", data)  # type: ignore[attr-defined]
    page = words(client.get(at).content)
    assert "from the internet" not in page


@pytest.mark.django_db
def test_of_parts_with_one_name_each_is_itself_and_a_drawing_is_a_file() -> None:
    named = 'Content-Disposition: inline; filename="image.png"\r\nContent-ID: '
    parts = (
        _part(named + "<1@x>", hosts.picture(size=(1, 1))),
        _part(named + "<2@x>", hosts.picture(size=(2, 2))),
        _part(named + "<1@x>", hosts.picture(size=(3, 3))),
        _part("Content-ID: <4@x>", b"<svg onload='alert(1)'/>", "image/svg+xml"),
        _part("Content-ID: <5@x>", b"<svg onload='alert(1)'/>"),
    )
    html = "".join(f'<img src="cid:{number}@x">' for number in (1, 2, 4, 5))
    reader = reader_of(seal(_with_parts(html, *parts)))
    client, at = signed_in(reader), path_of(reader)
    body = client.get(f"{at}/body").content.decode()
    assert '<img src="inline/1"><img src="inline/2"><img><img src="inline/5">' in body
    assert client.get(f"{at}/inline/4").status_code == 404
    assert client.get(f"{at}/inline/5").status_code == 404
