"""The file in the mail (M2): it opens nothing alone, what it posts is parked, and then all is as for a link."""

from __future__ import annotations

import base64
import io
import os
import re
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.delivery import letters, tidying
from portal.delivery.models import Outbound
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.keys.split import grouped
from portal.lifecycle import withdrawing
from portal.operations import tasks
from portal.vault import departing, opening, parcels, parking, readers
from portal.vault.blobs import store
from portal.vault.errors import BlobsUnavailable, MessageAway, SealBroken, VaultError
from portal.vault.models import Message, Parked, Reader, Wrap
from portal.vault.opening import open_message
from portal.vault.rights import Rights
from portal.vault.sources import Bytes
from portal.vault.stream import Context, Opener
from tests.access.visitors import newest_code
from tests.mails import JONAS, KARIN, mail
from tests.reading.files import ATTACHED, FORM, post, received, travelling
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
SECRET = "no new tear in the left knee"
SCAN = os.urandom(400_000)
HANDLE = re.compile(r"/m/[0-9a-hjkmnp-tv-z]{22}")


@pytest.fixture
def message() -> Message:
    return travelling(text=SECRET, html=f"<p>{SECRET}</p>", files=[("scan.bin", "application/pdf", SCAN)])


@pytest.fixture
def reader(message: Message) -> Reader:
    return reader_of(message)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def posted(reader: Reader, change: Callable[[bytes], bytes] = bytes) -> str:
    """The handle's address, after a browser has posted the file."""
    answer = post(change(received(reader).body))
    assert answer.status_code == 303
    return str(answer["Location"])


def let_go(message: Message) -> None:
    """Have the notices gone for a day, and tidy."""
    Outbound.objects.filter(message=message.pk).update(state="sent", sent_at=timezone.now() - timedelta(hours=25))
    assert tidying.let_go_of_what_left(timezone.now()) == 1


# ------------------------------------------------------------------------------------------------------- the file


def test_the_file_has_one_form_one_button_and_nothing_that_runs_or_loads(reader: Reader) -> None:
    found = received(reader)
    page, link = found.page, readers.link_of(reader)
    (form,) = page.forms
    assert form == {
        "method": "post",
        "action": f"http://{HOST}:8000/open/",
        "enctype": "application/x-www-form-urlencoded",
    }
    assert list(page.fields) == ["v", "m", "e"]
    assert (page.fields["v"], page.fields["m"]) == ("1", link)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", page.fields["e"])
    assert page.tags.count("button") == 1
    assert page.links == [f"http://{HOST}:8000/m/{link}"]
    assert page.policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action http://{HOST}:8000; base-uri 'none'"
    )
    assert not set(page.tags) & {"script", "img", "link", "iframe", "object", "base", "svg"}
    assert page.handlers == []
    text = words(found.html.encode())
    for sentence in ("Open message", JONAS, "We never ask for your email password.", "Protected message from Dr Maya"):
        assert sentence in text


def test_the_notice_points_to_the_file_in_both_its_parts_and_shows_nothing_of_the_message(reader: Reader) -> None:
    found = received(reader)
    link = f"http://{HOST}:8000/m/{readers.link_of(reader)}"
    for kind in ("plain", "html"):
        part = found.mail.get_body((kind,))
        assert part is not None
        said = " ".join(part.get_content().split())
        assert "Open the attached file “message.html”." in said
        assert "Your phone shows only a preview? Use this link, within 24 hours:" in said
        assert set(re.findall(r"https?://[^\s\"'<]+", said)) == {link}
        assert "stay on our secure site" not in said
        assert "Read message" not in said
        assert SECRET not in said + found.html


def test_a_brand_that_delivers_by_file_needs_no_header_and_a_header_says_otherwise() -> None:
    brand = default_brand()
    brand.delivery = "attachment"
    brand.save()
    assert seal(mail()).delivery == "attachment"
    assert seal(mail(headers=[("X-Letterlock-Protect", "v=1; delivery=link")])).delivery == "link"
    brand.delivery = "link"
    brand.save()
    assert seal(mail()).delivery == "link"
    assert seal(mail(headers=[ATTACHED])).delivery == "attachment"


def test_what_is_too_large_for_a_file_goes_by_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "MOST_BYTES", 300_000)
    message = travelling(files=[("scan.bin", "application/pdf", SCAN)])
    assert message.delivery == "link"
    notice = Outbound.objects.get(kind="notice", message=message.pk)
    prepared = letters.prepare(notice)
    assert prepared is not None
    whole = b"".join(prepared.data)
    assert b"message.html" not in whole
    assert b"Read message" in whole


def test_file_and_database_open_nothing_without_the_keyring(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file holds sealed streams and no key: neither the message's nor one that leads to it."""
    sealed = received(reader).sealed
    message_key = opening.key_for(reader)
    held = Wrap.objects.get(reader=reader)
    leaf = keys().leaf(held.epoch.epoch, held.epoch.number, reader.number)
    for key in (message_key, leaf, bytes(held.wrapped), bytes(held.wrapped)[12:44], bytes(reader.link_lookup)):
        assert key not in sealed
        assert base64.urlsafe_b64encode(key)[:40] not in received(reader).body
    # Another installation's keyring, and the very rows of this one: no key comes of them.
    real = keys().leaf
    monkeypatch.setattr(keys(), "leaf", lambda *at: bytes(b ^ 1 for b in real(*at)))
    reader = readers.by_link(posted(reader).removeprefix("/m/"))
    assert reader is not None and reader.parked is not None
    with pytest.raises(SealBroken):
        open_message(reader)


def test_file_and_keyring_open_nothing_without_the_database(reader: Reader) -> None:
    sealed, handle = received(reader).sealed, posted(reader).removeprefix("/m/")
    parked = readers.by_link(handle)
    assert parked is not None
    assert open_message(parked).toc.text.here.strip() == SECRET
    leaf = keys().leaf(*Wrap.objects.filter(reader=reader).values_list("epoch__epoch", "epoch__number").get(), 0)
    Wrap.objects.all().delete()
    with pytest.raises((KeysError, VaultError)):
        open_message(parked)
    # What the keyring has for this very reader is no key of any stream: the message's own was only in the wrap.
    toc = parcels.Parcel(Bytes(sealed), reader.message_id).find("toc")
    assert toc is not None
    with pytest.raises(SealBroken):
        Opener(toc, leaf, Context(reader.message_id, "toc"))


# --------------------------------------------------------------------------------------------------------- posting


def test_a_post_without_cookies_from_nowhere_is_parked_and_leads_to_the_sign_in_page(reader: Reader) -> None:
    before = Entry.objects.count()
    answer = post(received(reader).body)
    assert answer.status_code == 303
    assert HANDLE.fullmatch(answer["Location"])
    assert answer["Location"] != path_of(reader)
    assert not answer.cookies
    # Nothing else came of it: no entry, no mail, no session.
    assert Entry.objects.count() == before
    assert not Outbound.objects.filter(kind="passcode").exists()
    page = Client(HTTP_HOST=HOST).get(answer["Location"])
    assert page.status_code == 200
    said = words(page.content)
    assert "Read your message" in said
    assert "Email me a passcode" in said
    assert "Dr Maya Lindqvist" in said
    assert f'action="{answer["Location"]}/ask/"' in page.content.decode()


def test_the_largest_file_is_taken_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    message = travelling(files=[("x.bin", "application/pdf", b"x")])
    link = readers.link_of(reader_of(message))
    name, size = b"part/1", parcels.MOST_BYTES
    size -= 22 + 1 + len(name) + 8
    head = b"LLA1" + message.pk.bytes + b"\0\1" + bytes([len(name)]) + name + size.to_bytes(8, "big")
    whole = b"v=1&m=" + link.encode() + b"&e=" + base64.urlsafe_b64encode(head + bytes(size)).rstrip(b"=")
    assert 24.9 * 2**20 < len(whole) <= parcels.FILE_BYTES
    reads: list[int] = []
    real = parking._fill

    def watched(write: Any, reader: Reader, size: int, pieces: Any) -> None:
        real(write, reader, size, (reads.append(len(piece)) or piece for piece in pieces))

    monkeypatch.setattr(parking, "_fill", watched)
    client = Client(HTTP_HOST=HOST)
    prepared = client.post  # warm up what the first request loads
    client.get("/m/")
    tracemalloc.start()
    # The test client keeps one copy of the body, made before; what the portal adds to it is what counts.
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    answer = prepared("/open/", whole, content_type="application/x-www-form-urlencoded", HTTP_ORIGIN="null")
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert answer.status_code == 303
    assert max(reads) <= 48 * 1024
    assert sum(reads) == parcels.MOST_BYTES
    assert peak < len(whole) + 4 * 2**20
    with store().open(Parked.objects.get().blob) as source:
        assert source.size == parcels.MOST_BYTES


JUNK: dict[str, Callable[[bytes, bytes], bytes]] = {
    "nothing": lambda start, e: b"",
    "no letters": lambda start, e: start,
    "other form": lambda start, e: b"q=1",
    "version 2": lambda start, e: start.replace(b"v=1", b"v=2") + e,
    "no version": lambda start, e: start[4:] + e,
    "unknown message": lambda start, e: start.replace(start[6:28], b"0" * 22) + e,
    "link in capitals": lambda start, e: start.upper() + e,
    "message twice": lambda start, e: start[:28] + b"&" + start[4:] + e,
    "letters twice": lambda start, e: start + e + b"&e=" + e,
    "one field more": lambda start, e: start + e + b"&x=1",
    "truncated": lambda start, e: start + e[:-100],
    "truncated to one letter over": lambda start, e: start + e[: len(e) // 4 * 4 - 3],
    "only a head": lambda start, e: start + e[:40],
    "longer": lambda start, e: start + e + b"AAAA",
    "no base64": lambda start, e: start + e[:5000] + b"%2B" + e[5003:],
    "standard base64": lambda start, e: start + e[:5000] + b"+/" + e[5002:],
    "padded": lambda start, e: start + e + b"%3D",
    "not a letter": lambda start, e: start + "käse".encode() * 500,
    "zeros": lambda start, e: start + bytes(10_000),
    "other format": lambda start, e: start + base64.urlsafe_b64encode(b"LLA2" + bytes(3000)),
    "another message's id": lambda start, e: start + base64.urlsafe_b64encode(b"LLA1" + bytes(3000)),
    "26 MiB": lambda start, e: start + b"A" * (26 * 1024 * 1024),
}


def test_junk_of_every_kind_has_the_same_neutral_page(reader: Reader) -> None:
    whole = received(reader).body
    neutral = _like(Client(HTTP_HOST=HOST).get("/m/0000000000000000000000"))
    for kind, junk in JUNK.items():
        answer = post(junk(whole[:31], whole[31:]))
        assert (kind, answer.status_code) == (kind, 404)
        assert _like(answer) == neutral
        assert not Parked.objects.exclude(handle_lookup=None, size=0).exists(), kind
    # A failed post left its row, and no bytes.
    left = {row.blob for row in Parked.objects.all()}
    assert left
    assert not left & {found.blob for found in store().stored()}


def _like(answer: Any) -> str:
    moving = r'name="csrfmiddlewaretoken" value="[^"]+"|data-session="[0-9]+"'
    return re.sub(moving, "", answer.content.decode())


def test_other_kinds_and_methods_and_lengths_that_lie_have_it_too_and_change_nothing(reader: Reader) -> None:
    whole = received(reader).body
    part = b'--x\r\nContent-Disposition: form-data; name="e"; filename="a"\r\n\r\n' + whole + b"\r\n--x"
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "", "a/b; ="):
        for junk in (whole, part, b"--x\r\n\r\n"):
            answer = post(junk, kind=kind)
            assert (answer.status_code, "Read your message" in words(answer.content)) == (404, True)
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"):
        assert Client(HTTP_HOST=HOST).generic(method, "/open/", whole, content_type=FORM).status_code == 404
    for length in ("", "-5", "1e9", "٣٣", "9" * 40):
        assert post(whole, CONTENT_LENGTH=length).status_code == 404
    assert not Parked.objects.exists()


def test_a_browser_that_goes_away_leaves_no_bytes(reader: Reader) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise ConnectionResetError
            return super().read(size)

    whole = received(reader).body
    assert post(whole, **{"wsgi.input": Gone(whole)}).status_code == 404
    assert Parked.objects.get().size == 0
    assert Parked.objects.get().blob not in [found.blob for found in store().stored()]


def test_nothing_of_what_is_posted_comes_back(reader: Reader) -> None:
    whole = received(reader).body
    marked = whole[:31] + b"<script>alert(1)</script>" + whole[56:]
    answer = post(marked)
    assert b"alert(1)" not in answer.content
    assert readers.link_of(reader) not in answer.content.decode()
    assert not any("alert" in value for _, value in answer.items())


def test_a_message_that_goes_by_link_takes_no_files_and_neither_does_another_brand(reader: Reader) -> None:
    whole = received(reader).body
    Brand.objects.create(slug="other", name="Harbour", host="mail.harbour.example")
    assert post(whole, HTTP_HOST="mail.harbour.example").status_code == 404
    handle = posted(reader)
    assert Client(HTTP_HOST="mail.harbour.example").get(handle).status_code == 404
    other = reader_of(seal(mail()))
    assert post(whole.replace(readers.link_of(reader).encode(), readers.link_of(other).encode())).status_code == 404
    # Nor can a handle stand for the link: it would live on for ever.
    assert post(whole.replace(readers.link_of(reader).encode(), handle.removeprefix("/m/").encode())).status_code == 404


def test_a_file_whose_message_id_is_anothers_is_junk(reader: Reader) -> None:
    other = reader_of(travelling(text="for Jonas as well"))
    mine, theirs = received(reader).body, received(other).body
    assert post(mine[:31] + theirs[31:]).status_code == 404


# ----------------------------------------------------------------------------------------------------- the bounds


def test_a_network_posts_so_often_and_so_much_and_then_waits(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, size = received(reader).body, len(received(reader).sealed)
    monkeypatch.setattr(parking, "MOST_OF_A_NETWORK", 3)
    junk = whole[:5000] + b"!" + whole[5001:]
    assert post(junk, REMOTE_ADDR="198.51.100.7").status_code == 404
    for host in (7, 8):
        assert post(whole, REMOTE_ADDR=f"198.51.100.{host}").status_code == 303
    refused = post(whole, REMOTE_ADDR="198.51.100.99")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 1860
    assert post(whole, REMOTE_ADDR="198.51.101.1").status_code == 303
    monkeypatch.setattr(parking, "BYTES_OF_A_NETWORK", size * 3 // 2)
    assert post(whole, REMOTE_ADDR="2001:db8:1:2::1").status_code == 303
    assert post(whole, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    monkeypatch.setattr(parking, "BYTES_IN_ALL", size * 9 // 2)
    assert post(whole, REMOTE_ADDR="203.0.113.1").status_code == 429
    Parked.objects.update(expires_at=timezone.now())
    assert post(whole, REMOTE_ADDR="203.0.113.1").status_code == 303
    assert Parked.objects.count() == 1


def test_after_half_an_hour_a_handle_leads_nowhere_and_its_bytes_are_swept(reader: Reader) -> None:
    handle = posted(reader)
    client = signed_in(reader)
    assert client.get(handle).status_code == 200
    row = Parked.objects.get()
    assert row.expires_at - row.made_at == timedelta(minutes=30)
    Parked.objects.update(expires_at=timezone.now())
    unknown = client.get("/m/0000000000000000000000")
    for path in ("", "/reply", "/ask/", "/passcode/"):
        answer = client.get(handle + path)
        assert answer.status_code == 404
    assert _like(client.get(handle)) == _like(unknown)
    assert client.get(f"{handle}/file/1").status_code == 404
    tasks.sweep_parked()
    assert row.blob not in [found.blob for found in store().stored()]
    assert not Parked.objects.exists()


def test_neither_handle_nor_network_stands_in_the_database(reader: Reader) -> None:
    handle = posted(reader).removeprefix("/m/")
    row = Parked.objects.get()
    kept = b"".join(bytes(v) for v in (row.handle_lookup, row.network)) + row.blob.bytes  # type: ignore[arg-type]
    assert handle.encode() not in kept
    assert b"127.0.0" not in kept


def test_unknown_expired_and_mistyped_handles_cost_the_same_look_ups(
    reader: Reader, django_assert_num_queries: Any
) -> None:
    handle = posted(reader)
    Parked.objects.update(expires_at=timezone.now())
    for link in (handle.removeprefix("/m/"), "0" * 22, "x", "!" * 22):
        with django_assert_num_queries(2):
            assert readers.by_link(link) is None


# ---------------------------------------------------------------------------------------------- reading what is parked


def test_its_reader_reads_and_downloads_it_and_that_is_recorded(message: Message, reader: Reader) -> None:
    handle = posted(reader)
    let_go(message)  # so that not one byte can come from anywhere else
    client = signed_in(reader)
    page = client.get(handle)
    assert page.status_code == 200
    assert "message.opened" in [entry.kind for entry in timeline(message.pk)]
    html = page.content.decode()
    assert f'{handle}/file/1"' in html
    assert f'{handle}/reply"' in html
    assert readers.link_of(reader) not in html
    assert SECRET in client.get(f"{handle}/body").content.decode()
    assert body(client.get(f"{handle}/file/1")) == SCAN
    part = client.get(f"{handle}/file/1", headers={"Range": "bytes=70000-200000"})
    assert (part.status_code, body(part)) == (206, SCAN[70_000:200_001])
    assert client.get(f"{handle}/reply").status_code == 200


def test_a_passcode_asked_for_at_the_handle_leads_back_to_it(reader: Reader) -> None:
    handle = posted(reader)
    client = Client(HTTP_HOST=HOST)
    asked = client.post(f"{handle}/ask/")
    assert (asked.status_code, asked["Location"]) == (303, f"{handle}/passcode/")
    entered = client.post(f"{handle}/passcode/", {"code": newest_code()})
    assert (entered.status_code, entered["Location"]) == (303, handle)
    assert client.get(handle).status_code == 200


def test_a_split_message_needs_its_code_at_the_handle_too() -> None:
    wish = ("X-Letterlock-Protect", "v=1; delivery=attachment; split=strict")
    message = travelling(text=SECRET, headers=[wish])
    reader = reader_of(message)
    found = received(reader)
    action, _, code = str(found.page.forms[0]["action"]).partition("#")
    # Behind the # it is no part of the request, and browsers take it along to where the answer sends them.
    assert (action, len(code)) == (f"http://{HOST}:8000/open/", 26)
    assert code.encode() not in found.body
    assert grouped(code) in found.html
    handle, client = post(found.body)["Location"], signed_in(reader)
    let_go(message)
    assert "Open the file that came with the email" in words(client.get(path_of(reader)).content)
    assert "Enter the message code" in words(client.get(handle).content)
    wrong = client.post(f"{handle}/code/", {"share": "0" * 26})
    assert (wrong.status_code, SECRET in wrong.content.decode()) == (422, False)
    right = client.post(f"{handle}/code/", {"share": code})
    assert (right.status_code, right["Location"]) == (303, handle)
    assert SECRET in client.get(handle).content.decode()


def test_it_is_for_its_reader_alone(message: Message, reader: Reader) -> None:
    handle = posted(reader)
    nobody = Client(HTTP_HOST=HOST)
    karin = signed_in(reader_of(seal(mail(), KARIN), KARIN))
    for client, status in ((nobody, 302), (karin, 404)):
        for path in ("/body", "/file/1", "/files", "/inline/1", "/original"):
            answer = client.get(handle + path)
            assert answer.status_code == status
            assert SECRET not in answer.content.decode()
    other = karin.get(handle)
    assert other.status_code == 403
    assert SECRET not in other.content.decode()


def test_rights_hold_for_what_is_parked() -> None:
    wish = ("X-Letterlock-Protect", "v=1; delivery=attachment; dl=0")
    reader = reader_of(travelling(files=[("a.bin", "application/pdf", SCAN)], headers=[wish]))
    handle, client = posted(reader), signed_in(reader)
    assert client.get(handle).status_code == 200
    assert client.get(f"{handle}/file/1").status_code == client.get(f"{handle}/files").status_code == 404
    assert "cannot be previewed, and downloading is off" in words(client.get(f"{handle}/file/1/preview").content)
    assert client.get(f"{handle}/file/1/preview/1/picture").status_code == 404
    Message.objects.update(rights=Rights().encode())
    assert client.get(f"{handle}/file/1").status_code == 500


@pytest.mark.parametrize("how", ["withdrawn", "from one", "closed", "destroyed"])
def test_who_may_not_read_it_any_more_may_not_by_the_file_either(message: Message, reader: Reader, how: str) -> None:
    client, early, whole = signed_in(reader), posted(reader), received(reader).body
    if how == "withdrawn":
        withdrawing.withdraw(message.pk, "sent by mistake")
    elif how == "from one":
        Reader.objects.filter(pk=reader.pk).update(withdrawn_at=timezone.now())
    elif how == "closed":
        Message.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    else:
        assert withdrawing.withdraw(message.pk, "sent by mistake", now=True).destroyed
    late = post(whole)
    assert late.status_code == 303  # before a proof nobody is told
    for handle in (early, late["Location"]):
        assert "Email me a passcode" in words(Client(HTTP_HOST=HOST).get(handle).content)
        answer = client.get(handle)
        assert answer.status_code == 410
        assert SECRET not in answer.content.decode()
        for path in ("/body", "/file/1", "/files"):
            answer = client.get(handle + path)
            assert answer.status_code == 410
            assert SECRET.encode() not in answer.content


@pytest.mark.parametrize(("stream", "entries"), [("toc", 3), ("part/1", 1), ("original", 0)])
def test_changed_bytes_show_nothing_and_only_a_confirmed_reader_is_recorded(
    message: Message, reader: Reader, stream: str, entries: int
) -> None:
    def change(whole: bytes) -> bytes:
        sealed = bytearray(base64.urlsafe_b64decode(whole[31:] + b"=" * (-len(whole[31:]) % 4)))
        start, size = parcels.Head.read(bytes(sealed[: parcels.HEAD_BYTES])).places[stream]
        sealed[start + size // 2] ^= 1
        return whole[:31] + base64.urlsafe_b64encode(sealed).rstrip(b"=")

    handle = posted(reader, change)
    assert "Email me a passcode" in words(Client(HTTP_HOST=HOST).get(handle).content)
    assert not Entry.objects.filter(kind="message.damaged").exists()
    client = signed_in(reader)
    for path in ("", "/body"):
        answer = client.get(handle + path)
        assert (SECRET in answer.content.decode()) == (stream != "toc" and path == "/body")
        assert answer.status_code == (500 if stream == "toc" else 200)
    assert ("The file it was stored in is damaged" in words(client.get(handle).content)) == (stream == "toc")
    if stream == "part/1":  # the first bad chunk ends a download whose length was announced
        with pytest.raises(ConnectionAbortedError):
            body(client.get(f"{handle}/file/1"))
    elif stream == "original":  # which is shown to nobody
        assert body(client.get(f"{handle}/file/1")) == SCAN
    told = [entry.facts["posted"] for entry in timeline(message.pk) if entry.kind == "message.damaged"]
    assert told == [True] * entries
    assert body(client.get(f"{path_of(reader)}/file/1")) == SCAN


# ------------------------------------------------------------------------------------------- the portal keeps but keys


def test_a_day_after_its_notices_left_only_keys_are_kept(message: Message, reader: Reader) -> None:
    whole = received(reader).body
    blobs = list(message.blobs.values_list("pk", flat=True))
    assert blobs
    let_go(message)
    message.refresh_from_db()
    assert (bytes(message.container), message.blobs.count()) == (b"", 0)
    assert not set(blobs) & {found.blob for found in store().stored()}
    assert Wrap.objects.filter(reader=reader).exists()
    with pytest.raises(MessageAway):
        open_message(reader_of(message))
    client = signed_in(reader)
    page = client.get(path_of(reader))
    assert page.status_code == 404
    assert "Open the file that came with the email" in words(page.content)
    assert client.get(f"{path_of(reader)}/file/1").status_code == 404
    assert "In the file from its email" in words(client.get("/inbox/").content)
    assert client.get(post(whole)["Location"]).status_code == 200


def test_until_then_its_copy_stays(message: Message) -> None:
    long_ago, lately = timezone.now() - timedelta(hours=25), timezone.now() - timedelta(hours=23)
    for changes in (
        {"state": "due"},
        {"state": "sending"},
        {"state": "failed"},
        {"state": "sent", "news": "failed"},
        {"state": "sent", "sent_at": lately},
        {"state": "dropped", "sent_at": None},
    ):
        Outbound.objects.filter(message=message.pk).update(**{"sent_at": long_ago, "news": "", **changes})
        assert tidying.let_go_of_what_left(timezone.now()) == 0, changes
    assert Message.objects.get().container


def test_one_notice_that_has_not_left_keeps_it_for_all_and_a_hold_does() -> None:
    message = travelling(JONAS, KARIN)
    Outbound.objects.filter(message=message.pk).update(state="sent", sent_at=timezone.now() - timedelta(hours=25))
    last = Outbound.objects.get(reader=reader_of(message, KARIN))
    Outbound.objects.filter(pk=last.pk).update(state="due", sent_at=None)
    assert tidying.let_go_of_what_left(timezone.now()) == 0
    Outbound.objects.filter(pk=last.pk).update(state="dropped")
    Message.objects.update(held_at=timezone.now())
    assert tidying.let_go_of_what_left(timezone.now()) == 0
    Message.objects.update(held_at=None)
    assert tidying.let_go_of_what_left(timezone.now()) == 1
    assert tidying.let_go_of_what_left(timezone.now()) == 0


def test_a_message_that_goes_by_link_is_kept(db: None) -> None:
    message = seal(mail())
    Outbound.objects.filter(message=message.pk).update(state="sent", sent_at=timezone.now() - timedelta(days=9))
    assert tidying.let_go_of_what_left(timezone.now()) == 0


def test_a_blob_that_cannot_be_deleted_is_tried_again(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise BlobsUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(departing, "store", lambda: SimpleNamespace(delete=away))
        let_go(message)
    assert message.blobs.exists()
    tidying.let_go_of_what_left(timezone.now())
    assert not message.blobs.exists()
