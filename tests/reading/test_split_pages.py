"""Pages of a split message: who has its code reads it, who has not is asked for it, and wrong ones are counted."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings as product
from django.test import Client
from django.utils import timezone

from portal.access import shares
from portal.access.models import Session
from portal.audit.models import Entry
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.delivery.sending import send_due
from portal.ingest.models import Spooled
from portal.keys.errors import KeyDestroyed, WrapRefused
from portal.keys.recovery import make_files
from portal.keys.service import keys
from portal.keys.split import code_of, grouped, open_key, seal_key, share_of
from portal.keys.wraps import wrap
from portal.lifecycle import changing, withdrawing
from portal.vault import rotating, unsent
from portal.vault.checking import check
from portal.vault.errors import SealBroken, ShareNeeded, ShareRefused
from portal.vault.models import Message, Reader, Unsent, Wrap
from portal.vault.opening import Opened, key_for, open_message
from portal.vault.wrapping import rights_digest
from tests.mails import JONAS, KARIN, MAYA, mail, text_of
from tests.seals import HOST, path_of, put, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
SECRET = "no new tear"


def split_mail(policy_: str = "strict", **more: Any) -> bytes:
    return mail("[secure] Results", text=SECRET, headers=[("X-Letterlock-Protect", f"v=1; split={policy_}")], **more)


def notice_of(reader: Reader) -> EmailMessage:
    prepared = prepare(Outbound.objects.get(reader=reader, kind="notice"))
    assert prepared is not None
    return cast(EmailMessage, message_from_bytes(b"".join(prepared.data), policy=policy.default))


def code_in(notice: EmailMessage) -> str:
    found = re.search(r"/m/[0-9a-z]{22}#([0-9a-z]{26})\b", text_of(notice))
    assert found
    return found[1]


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(split_mail(), JONAS, KARIN))


@pytest.fixture
def code(reader: Reader) -> str:
    return code_in(notice_of(reader))


def with_code(reader: Reader, code: str) -> Client:
    client = signed_in(reader)
    client.cookies[shares.COOKIE] = code
    return client


def test_only_recipients_are_told_their_code_and_a_notice_holds_it_twice(reader: Reader, code: str) -> None:
    message = reader.message
    assert message.split == "strict"
    author = message.readers.get(role=Reader.Role.AUTHOR)
    assert not Outbound.objects.filter(reader=author).exists(), "nobody has the author's share"
    with pytest.raises(ShareRefused):
        open_message(author, share_of(code))
    notice = notice_of(reader)
    assert f"Message code: {grouped(code)}" in text_of(notice)
    html = notice.get_body(("html",))
    assert html is not None
    links = set(re.findall(r'href="([^"]+)"', html.get_content()))
    assert links == {f"http://localhost:8000{path_of(reader)}#{code}"}
    assert grouped(code) in html.get_content()
    assert code_in(notice_of(reader_of(message, KARIN))) != code


def test_the_key_needs_this_readers_share(reader: Reader, code: str) -> None:
    other = code_in(notice_of(reader_of(reader.message, KARIN)))
    assert open_message(reader, share_of(code)).toc.text.here.strip() == SECRET
    with pytest.raises(ShareNeeded):
        open_message(reader)
    for wrong in (share_of(other), bytes(16), b"short"):
        with pytest.raises(ShareRefused):
            open_message(reader, wrong)


def test_the_share_is_empty_once_the_notice_has_left(reader: Reader) -> None:
    row = Outbound.objects.get(reader=reader)
    assert len(bytes(row.share)) == 1120 + 16 + 16
    send_due(["notice"])
    row.refresh_from_db()
    assert (row.state, bytes(row.share), row.door_key) == (Outbound.State.SENT, b"", "")
    with pytest.raises(WrapRefused):
        prepare(row)


def test_a_waiting_share_opens_in_no_other_row(reader: Reader) -> None:
    mine, other = Outbound.objects.get(reader=reader), Outbound.objects.exclude(reader=reader).get()
    mine.share = other.share
    with pytest.raises(WrapRefused):
        prepare(mine)


def test_without_the_code_the_page_asks_and_content_is_not_found(reader: Reader) -> None:
    client = signed_in(reader)
    page = client.get(path_of(reader))
    assert page.status_code == 200
    assert "Enter the message code" in words(page.content)
    assert SECRET.encode() not in page.content
    for part in ("body", "file/1", "file/1/preview", "file/1/preview/1/text", "files", "original"):
        assert client.get(f"{path_of(reader)}/{part}").status_code == 404
    assert not Entry.objects.filter(kind="message.opened").exists()


def test_the_typed_code_opens_and_is_kept_for_this_message_only(reader: Reader, code: str) -> None:
    client = signed_in(reader)
    answer = client.post(f"{path_of(reader)}/code/", {"share": grouped(code).upper()})
    assert (answer.status_code, answer["Location"]) == (303, path_of(reader))
    cookie = answer.cookies[shares.COOKIE]
    assert cookie.value == code
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
        path_of(reader),
        True,
        "Lax",
        "",
    )
    page = client.get(path_of(reader))
    assert SECRET in page.content.decode()
    assert code not in page.content.decode()


def test_ten_wrong_codes_an_hour_are_enough(reader: Reader, code: str) -> None:
    client = signed_in(reader)
    url = f"{path_of(reader)}/code/"
    for _ in range(10):
        answer = client.post(url, {"share": code_of(bytes(16))})
        assert answer.status_code == 422
        assert "does not belong to this message" in words(answer.content)
    assert client.post(url, {"share": code}).status_code == 429
    assert Entry.objects.filter(kind="recipient.code_refused").count() == 10


def test_a_wrong_cookie_is_taken_back_and_counts(reader: Reader, code: str) -> None:
    for _ in range(10):
        answer = with_code(reader, code_of(bytes(16))).get(path_of(reader))
        assert answer.status_code == 422
        assert answer.cookies[shares.COOKIE].value == ""
    assert with_code(reader, code_of(bytes(16))).get(path_of(reader)).status_code == 429
    # Who has the right one is not kept out by a stranger's tries.
    assert with_code(reader, code).get(path_of(reader)).status_code == 200


@pytest.mark.parametrize("typed", ["", "abc", "u" * 26, "z" * 26, "0" * 5000])
def test_what_is_no_code_is_asked_for_again(reader: Reader, typed: str) -> None:
    answer = signed_in(reader).post(f"{path_of(reader)}/code/", {"share": typed})
    assert answer.status_code == 422
    assert "26 letters and digits" in words(answer.content)


def test_a_code_without_a_proof_opens_nothing(reader: Reader, code: str) -> None:
    client = Client(HTTP_HOST=HOST)
    client.cookies[shares.COOKIE] = code
    assert "Read your message" in words(client.get(path_of(reader)).content)
    answer = client.post(f"{path_of(reader)}/code/", {"share": code})
    assert SECRET.encode() not in answer.content
    assert shares.COOKIE not in answer.cookies
    karin = signed_in(reader_of(reader.message, KARIN))
    assert karin.post(f"{path_of(reader)}/code/", {"share": code}).status_code == 403


@pytest.mark.parametrize("mark", ["%23", "%2523"])
def test_a_mangled_link_leads_to_the_message_with_its_share(reader: Reader, code: str, mark: str) -> None:
    client = signed_in(reader)
    answer = client.get(f"{path_of(reader)}{mark}{code}")
    assert (answer.status_code, answer["Location"]) == (303, path_of(reader))
    assert answer.cookies[shares.COOKIE].value == code
    assert SECRET in client.get(path_of(reader)).content.decode()


def test_a_mangled_link_that_leads_nowhere_tells_nothing(reader: Reader, code: str) -> None:
    answer = Client(HTTP_HOST=HOST).get(f"/m/{'0' * 22}%23{code}")
    assert answer.status_code == 404
    assert code.encode() not in answer.content
    assert shares.COOKIE not in answer.cookies


def test_the_inbox_hides_what_needs_its_code(reader: Reader, code: str) -> None:
    page = with_code(reader, code).get("/inbox/").content
    assert "Needs the code from its email" in words(page)
    assert b"Results" not in page


def test_a_message_that_is_not_split_takes_no_share() -> None:
    reader = reader_of(seal(mail(text=SECRET)))
    client = signed_in(reader)
    answer = client.get(f"{path_of(reader)}%23{code_of(bytes(16))}")
    assert answer.status_code == 303
    assert shares.COOKIE not in answer.cookies
    assert client.post(f"{path_of(reader)}/code/", {"share": code_of(bytes(16))}).status_code == 303
    assert client.get(path_of(reader)).status_code == 200


def test_another_date_and_a_rotation_need_no_share(reader: Reader, code: str) -> None:
    changing.change_date(reader.message_id, None)
    rotating.begin(rotating.used_epochs(), reader.message.made_at)
    rotating.make()
    assert rotating.move(lambda _: None).damaged == 0
    fresh = Reader.objects.get(pk=reader.pk)
    assert open_message(fresh, share_of(code)).toc.text.here.strip() == SECRET


@pytest.mark.parametrize("extended", [False, True], ids=["as it was", "extended and rotated"])
def test_a_withdrawn_readers_share_opens_no_old_copy_of_their_row(reader: Reader, code: str, extended: bool) -> None:
    """Not even with the wraps of a reader who is left: an inner key is one reader's alone."""
    if extended:
        changing.change_date(reader.message_id, None)
        rotating.begin(rotating.used_epochs(), reader.message.made_at)
        rotating.make()
        rotating.move(lambda _: None)
    old = Reader.objects.get(pk=reader.pk)
    wraps = list(Wrap.objects.filter(reader=old))
    withdrawing.withdraw_reader(reader.message_id, JONAS, "Left", now=True)
    Wrap.objects.bulk_create(wraps)
    karin = reader_of(reader.message, KARIN)
    with pytest.raises(KeyDestroyed):
        open_message(old, share_of(code))
    with pytest.raises(WrapRefused):
        open_key(key_for(karin), share_of(code), bytes(old.split_key), old.message_id, old.pk)
    assert open_message(karin, share_of(code_in(notice_of(karin)))).toc.text.here.strip() == SECRET


def test_a_message_from_when_its_readers_had_one_inner_key_still_opens(reader: Reader, code: str) -> None:
    karin = reader_of(reader.message, KARIN)
    old = open_key(key_for(reader), share_of(code), bytes(reader.split_key), reader.message_id, reader.pk)
    inner, share = key_for(reader), share_of(code_in(notice_of(karin)))
    epoch = karin.wraps.get().epoch
    leaf = keys().leaf(epoch.epoch, epoch.number, karin.number)
    wrapped = wrap(leaf, inner, epoch.epoch, karin.message_id, karin.pk, rights_digest(reader.message))
    Wrap.objects.filter(reader=karin).update(wrapped=wrapped)
    Reader.objects.filter(pk=karin.pk).update(split_key=seal_key(inner, share, old, karin.message_id, karin.pk))
    assert check(reader.message).problems == []
    changing.change_date(reader.message_id, None)
    assert open_message(Reader.objects.get(pk=karin.pk), share).toc.text.here.strip() == SECRET


def test_a_check_finds_no_fault_with_what_it_cannot_open(reader: Reader) -> None:
    found = check(reader.message)
    assert (found.problems, found.opened, found.wraps) == ([], False, 3)


def test_an_answer_to_a_split_message_is_split_and_reaches_the_mailbox_inside(
    reader: Reader, code: str, settings: Any
) -> None:
    settings.LETTERLOCK = replace(product.LETTERLOCK, inside_domains=("aldervalley.example",))
    client = with_code(reader, code)
    answer = client.post(f"{path_of(reader)}/reply", {"subject": "Re: Results", "message": "thank you kindly"})
    assert answer.status_code in (302, 303), words(answer.content)
    from portal.ingest import pipeline

    pipeline.process()
    made = Message.objects.get(direction="in")
    assert made.split == "strict"
    assert [found.role for found in made.readers.all()] == [Reader.Role.RECIPIENT]
    row = Outbound.objects.get(message=made.id, kind="reply")
    prepared = prepare(row)
    assert prepared is not None
    assert b"thank you kindly" in b"".join(prepared.data)
    send_due(["reply"])
    row.refresh_from_db()
    assert (row.state, bytes(row.share)) == (Outbound.State.SENT, b"")
    with pytest.raises(ShareNeeded):
        open_message(reader_of(made, MAYA))


def test_a_draft_needs_the_code_as_well_and_is_kept_after_the_session_with_it(reader: Reader, code: str) -> None:
    url = f"{path_of(reader)}/reply"
    client = with_code(reader, code)
    client.post(url, {"do": "save", "message": "half a tho"})
    row = Unsent.objects.get()
    with pytest.raises(SealBroken):
        unsent.words_of(Opened(reader.message, key_for(reader)), row)
    without = signed_in(reader).post(url, {"do": "save", "message": "not lost"})
    assert "not lost</textarea>" in without.content.decode()
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=31))
    assert "Your draft is saved." in words(client.post(url, {"message": "half a thought"}).content)
    assert "half a thought</textarea>" in with_code(reader, code).get(url).content.decode()


def test_the_installation_splits_what_does_not_say_otherwise(settings: Any) -> None:
    settings.LETTERLOCK = replace(product.LETTERLOCK, split="strict")
    assert seal(mail()).split == "strict"
    assert seal(split_mail("off")).split == ""


def test_escrow_without_a_recovery_key_holds_the_mail() -> None:
    row = put(split_mail("escrow"))
    assert row.state == Spooled.State.HELD
    assert "LETTERLOCK_RECOVERY_KEY" in row.last_error
    assert not Message.objects.exists()


def test_escrow_is_sealed_to_the_recovery_key(settings: Any, tmp_path: Path) -> None:
    make_files(tmp_path / "public", tmp_path / "private")
    settings.LETTERLOCK = replace(product.LETTERLOCK, recovery_key=tmp_path / "public")
    reader = reader_of(seal(split_mail("escrow")))
    from portal.keys.recovery import RecoveryPrivate
    from portal.vault.escrow import Escrowed, read, readers_in_escrow, written

    assert reader in readers_in_escrow(reader.message)
    carried = read(written([Escrowed.of(reader)]))
    share = carried[0].open(RecoveryPrivate.load(tmp_path / "private"))
    assert open_message(reader, share).toc.text.here.strip() == SECRET
    with pytest.raises(WrapRefused):
        carried[0].open(RecoveryPrivate.generate())
