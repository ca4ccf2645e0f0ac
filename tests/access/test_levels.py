"""Assurance levels: who proved less than a message takes gets no byte of it, by any address and any method."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import authenticators, cookies, levels, passkeys, people, sessions
from portal.access.authenticators import code_at
from portal.access.credentials import Passkey
from portal.access.errors import SessionOver
from portal.access.models import Authenticator, Person, ProvedPhrase, Session
from portal.audit.models import Entry
from portal.keys.split import code_of, new_share
from portal.vault import agreed, phrases
from portal.vault.agreed import agree
from portal.vault.models import Message, Phrase, Reader
from portal.vault.rights import Rights
from tests.access.visitors import make_provider
from tests.grants import change
from tests.mails import KARIN, mail
from tests.peers.authenticator import Authenticator as Device
from tests.seals import HOST, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
SECRET = "no new tear"
PHRASE = "The blue canoe"
PLACES = (
    "",
    "/body",
    "/file/1",
    "/files",
    "/inline/1",
    "/inner/1",
    "/body-1",
    "/original",
    "/reply",
    "/code/",
    f"/sent/{'0' * 8}-{'0' * 4}-4{'0' * 3}-8{'0' * 3}-{'0' * 12}",
)
CONTENT = ("/body", "/body-1", "/file/1", "/files", "/inline/1", "/inner/1", "/original")


def asking(level: int, *, phrase: str = "", hint: str = "", text: str = SECRET) -> bytes:
    asked = f"v=1; level={level}" + (f'; phrase="{phrase}"' if phrase else "") + (f'; hint="{hint}"' if hint else "")
    files = [("a.txt", "text/plain", SECRET.encode())]
    return mail("Results", text=text, html=f"<p>{text}</p>", files=files, headers=[("X-Letterlock-Protect", asked)])


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def at_level(reader: Reader, level: int, method: str = "passcode", **more: Any) -> Client:
    """A browser whose session has a level."""
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.SESSION] = sessions.begin(
        people.of_reader(reader), reader.message.brand, keep=False, method=method, level=level, **more
    )
    return client


def with_app(reader: Reader, *, before: bool = True) -> Person:
    """The reader's person with an authenticator app set up before the message, or after it."""
    person = people.of_reader(reader)
    session = Session.objects.get(
        token=cookies.digest(sessions.begin(person, reader.message.brand, keep=False)),
    )
    authenticators.begin(person, session)
    authenticators.confirm(person, session, shown(person, steps=-1))
    moved = reader.message.made_at - timedelta(days=1) if before else timezone.now()
    change(Authenticator.objects.all(), confirmed_at=moved)
    return person


def shown(person: Person, *, steps: int = 0) -> str:
    found = Authenticator.objects.get(person=person)
    return code_at(authenticators.secret_of(found), int(timezone.now().timestamp()) // 30 + steps)


def reads(client: Client, reader: Reader) -> bool:
    """Whether this browser is shown the message, page and body."""
    page, text = client.get(path_of(reader)), client.get(f"{path_of(reader)}/body")
    shown_here = SECRET in text.content.decode()
    assert shown_here == (page.status_code == text.status_code == 200)
    return shown_here


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real ones take a good part of a second each; tests/vault/test_agreed.py has them."""
    monkeypatch.setattr(agreed, "MEMORY_KIB", 64)


def kinds(message: Message) -> list[str]:
    return list(Entry.objects.filter(message=message.pk).order_by("id").values_list("kind", flat=True))


# ------------------------------------------------------------------------------------------------ less than is asked


@pytest.mark.parametrize(("level", "held", "method"), [(2, 1, "passcode"), (3, 2, "provider")])
def test_who_proved_less_gets_no_byte_at_any_address_by_any_method(level: int, held: int, method: str) -> None:
    reader = reader_of(seal(asking(level)))
    client, strange = at_level(reader, held, method), Client(HTTP_HOST=HOST)
    for place in PLACES:
        for verb in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
            answer = client.generic(verb, path_of(reader) + place)
            assert SECRET.encode() not in body(answer), (verb, place)
            assert answer.status_code in (303, 403, 404, 405), (verb, place)
        page = client.get(path_of(reader) + place)
        if place in CONTENT:
            assert page.status_code == 404
            assert words(page.content) == words(client.get(f"/m/{'0' * 22}{place}").content)
        elif place != "/code/":
            assert page.status_code == 403
            assert "Confirm in one more way" in words(page.content)
        assert SECRET.encode() not in strange.get(path_of(reader) + place).content
    assert "message.opened" not in kinds(reader.message)
    assert client.post(f"{path_of(reader)}/reply", {"message": "x"}).status_code == 403


def test_the_list_and_the_conversation_tell_nothing_of_it() -> None:
    high = seal(asking(3, text=f"{SECRET} Mind the step."))
    plain = seal(mail("[secure] Second", text="plain"))
    client = signed_in(reader_of(plain))
    inbox = words(client.get("/inbox/").content)
    assert "Results" not in inbox
    assert "Asks you to confirm in one more way" in inbox
    above = at_level(reader_of(plain), 3, "passkey", factor_at=high.made_at - timedelta(days=1))
    assert "Results" in words(above.get("/inbox/").content)
    Message.objects.filter(pk=plain.pk).update(thread=high.thread)
    reader = reader_of(Message.objects.get(pk=plain.pk))
    page = words(client.get(path_of(reader)).content)
    assert "Mind the step" not in page
    assert "Mind the step" in words(above.get(path_of(reader)).content)


@pytest.mark.parametrize(
    ("level", "held", "method"), [(1, 1, "passcode"), (2, 2, "provider"), (2, 3, "passkey"), (3, 3, "passkey")]
)
def test_who_proved_enough_reads(level: int, held: int, method: str) -> None:
    reader = reader_of(seal(asking(level)))
    client = at_level(reader, held, method, factor_at=reader.message.made_at - timedelta(days=1))
    assert reads(client, reader)
    assert body(client.get(f"{path_of(reader)}/file/1")) == SECRET.encode()


@pytest.mark.parametrize("since", [None, timedelta(seconds=1)])
def test_a_factor_that_is_younger_than_the_message_does_not_open_it(since: timedelta | None) -> None:
    reader = reader_of(seal(asking(2)))
    factor_at = reader.message.made_at + since if since else None
    page = at_level(reader, 3, "passkey", factor_at=factor_at).get(path_of(reader))
    assert page.status_code == 403
    assert "Your passkey was added after this message was sent" in words(page.content)


def test_a_message_that_the_database_says_is_younger_takes_no_factor_of_today() -> None:
    reader = reader_of(seal(asking(3)))
    client = at_level(reader, 3, "passkey", factor_at=timezone.now())
    Message.objects.filter(pk=reader.message_id).update(made_at=timezone.now() + timedelta(days=1))
    assert not reads(client, reader)


@pytest.mark.parametrize("has_app", [False, True])
def test_an_app_is_proposed_to_who_has_none(has_app: bool) -> None:
    reader = reader_of(seal(asking(3)))
    if has_app:
        with_app(reader, before=False)
    page = words(at_level(reader, 1).get(path_of(reader)).content)
    assert "agree on a phrase with you for this message" in page
    assert ("you can set up an authenticator app" in page) is not has_app


def test_the_highest_of_message_and_brand_counts() -> None:
    reader = reader_of(seal(asking(2)))
    provider = at_level(reader, 2, "provider")
    assert provider.get(path_of(reader)).status_code == 200
    change(Brand.objects.all(), minimum_level=3)
    assert provider.get(path_of(reader)).status_code == 403
    assert Rights.decode(bytes(seal(mail("[secure] Third")).rights)).level == 3
    change(Brand.objects.all(), minimum_level=1)
    assert levels.wanted(reader_of(seal(asking(3)))) == 3


def test_a_level_lowered_in_the_database_opens_nothing() -> None:
    message = seal(asking(3))
    Message.objects.update(rights=Rights().encode())
    page = signed_in(reader_of(message)).get(path_of(reader_of(message)))
    assert page.status_code == 500
    assert SECRET not in page.content.decode()
    Message.objects.update(rights=b"\xa1\x65level\x07")
    assert signed_in(reader_of(message)).get(path_of(reader_of(message))).status_code == 500


def test_what_is_closed_says_so_and_asks_for_nothing_more() -> None:
    reader = reader_of(seal(asking(3)))
    Message.objects.update(open_until=timezone.now() - timedelta(days=1))
    page = signed_in(reader).get(path_of(reader))
    assert page.status_code == 410
    assert "one more way" not in words(page.content)


# ---------------------------------------------------------------------------------------------------- the agreed phrase


def test_the_phrase_opens_this_message_and_no_other_and_no_other_browser() -> None:
    reader = reader_of(seal(asking(3, phrase=PHRASE, hint="What we rowed in")))
    other = reader_of(seal(asking(3, phrase=PHRASE)))
    client = signed_in(reader)
    page = words(client.get(path_of(reader)).content)
    assert "What we rowed in" in page
    assert PHRASE not in page
    before = client.cookies[cookies.SESSION].value
    answer = client.post(f"{path_of(reader)}/phrase/", {"phrase": " the BLUE　canoe "})
    assert (answer.status_code, answer["Location"]) == (303, path_of(reader))
    assert client.cookies[cookies.SESSION].value != before
    assert reads(client, reader)
    assert client.get(path_of(other)).status_code == 403
    assert signed_in(reader).get(path_of(reader)).status_code == 403
    old = Client(HTTP_HOST=HOST)
    old.cookies[cookies.SESSION] = before
    assert "First, confirm" in words(old.get(path_of(reader)).content)
    assert kinds(reader.message)[-2:] == ["recipient.factor_proved", "message.opened"]


def test_five_wrong_ones_and_the_right_one_is_not_looked_at() -> None:
    reader = reader_of(seal(asking(3, phrase=PHRASE)))
    for left in (4, 3, 2, 1, 0):
        answer = signed_in(reader).post(f"{path_of(reader)}/phrase/", {"phrase": "green canoe"})
        assert answer.status_code == 422
        said = words(answer.content)
        assert "That is not the phrase" in said
        assert ("tries left" in said or "try left" in said) == (left > 0)
    client = signed_in(reader)
    assert client.post(f"{path_of(reader)}/phrase/", {"phrase": PHRASE}).status_code == 303
    page = words(client.get(path_of(reader)).content)
    assert "wrong five times" in page
    assert "Ask Maya" in page or "set a new one" in page
    phrases.replace_phrase(reader, agree("A red kite"))
    assert client.post(f"{path_of(reader)}/phrase/", {"phrase": PHRASE}).status_code == 422
    client.post(f"{path_of(reader)}/phrase/", {"phrase": "a red kite"})
    assert reads(client, reader)


def test_a_new_phrase_ends_what_the_old_one_opened() -> None:
    reader = reader_of(seal(asking(3, phrase=PHRASE)))
    client = signed_in(reader)
    client.post(f"{path_of(reader)}/phrase/", {"phrase": PHRASE})
    assert client.get(path_of(reader)).status_code == 200
    phrases.replace_phrase(reader, agree("A red kite"))
    assert client.get(path_of(reader)).status_code == 403
    assert not ProvedPhrase.objects.exists()


def test_the_message_code_of_a_link_is_kept_while_more_is_asked_for() -> None:
    asked = f'v=1; split=strict; phrase="{PHRASE}"'
    reader = reader_of(seal(mail("Results", headers=[("X-Letterlock-Protect", asked)])))
    for form, typed in (("phrase", "green canoe"), ("phrase", PHRASE), ("factor", "123456")):
        share, client = code_of(new_share()), signed_in(reader)
        client.post(f"{path_of(reader)}/{form}/", {"phrase": typed, "code": typed, "share": share})
        assert client.cookies["share"].value == share
    assert b'name="share"' in signed_in(reader).get(path_of(reader)).content


def test_nobody_else_can_spend_the_tries_of_a_phrase() -> None:
    reader = reader_of(seal(asking(3, phrase=PHRASE)))
    stranger, karin = Client(HTTP_HOST=HOST), signed_in(reader_of(seal(mail(to=KARIN), KARIN), KARIN))
    for client in (stranger, karin):
        for _ in range(6):
            assert client.post(f"{path_of(reader)}/phrase/", {"phrase": "green canoe"}).status_code == 303
    assert Phrase.objects.get(reader=reader).tries == 0
    client = signed_in(reader)
    for nothing in ({}, {"phrase": ""}, {"phrase": " 　 "}):
        assert client.post(f"{path_of(reader)}/phrase/", nothing).status_code == 422
    assert client.get(f"{path_of(reader)}/phrase/").status_code == 303
    assert client.post(f"{path_of(reader)}/phrase/", {"phrase": "x" * 10_000}).status_code == 422
    assert Phrase.objects.get(reader=reader).tries == 1


# --------------------------------------------------------------------------------------------------- the authenticator


def test_a_code_raises_the_session_in_place_for_all_older_than_the_app() -> None:
    reader = reader_of(seal(asking(3)))
    person = with_app(reader)
    client = signed_in(reader)
    assert "Code from your authenticator app" in words(client.get(path_of(reader)).content)
    before = client.cookies[cookies.SESSION].value
    assert client.post(f"{path_of(reader)}/factor/", {"code": shown(person)}).status_code == 303
    assert client.cookies[cookies.SESSION].value != before
    assert reads(client, reader)
    other = reader_of(seal(asking(2)))
    assert client.get(path_of(other)).status_code == 200
    authenticators.remove(person)
    assert client.get(path_of(reader)).status_code == 403


def test_wrong_codes_are_refused_and_in_the_end_none_is_looked_at() -> None:
    reader = reader_of(seal(asking(3)))
    person = with_app(reader)
    client = signed_in(reader)
    for _ in range(5):
        answer = client.post(f"{path_of(reader)}/factor/", {"code": f"{(int(shown(person)) + 7) % 10**6:06d}"})
        assert answer.status_code == 422
        assert "That code is not right" in words(answer.content)
    assert "too many tries" in words(client.post(f"{path_of(reader)}/factor/", {"code": shown(person)}).content)
    assert client.get(path_of(reader)).status_code == 403
    assert kinds(reader.message).count("recipient.factor_failed") == 6


def test_an_app_set_up_after_the_message_is_named_and_not_taken() -> None:
    reader = reader_of(seal(asking(3)))
    person = with_app(reader, before=False)
    client = signed_in(reader)
    page = words(client.get(path_of(reader)).content)
    assert "set up after this message was sent" in page
    assert "agree on a phrase" in page
    client.post(f"{path_of(reader)}/factor/", {"code": shown(person)})
    assert client.get(path_of(reader)).status_code == 403


def test_a_sign_in_at_a_provider_is_raised_by_a_code_and_falls_back_to_itself() -> None:
    reader, lower = reader_of(seal(asking(3))), reader_of(seal(asking(2)))
    person = with_app(reader)
    client = at_level(reader, 2, "provider")
    assert "signing in with your email provider is not enough" in words(client.get(path_of(reader)).content)
    client.post(f"{path_of(reader)}/factor/", {"code": shown(person)})
    assert reads(client, reader)
    authenticators.remove(person)
    assert client.get(path_of(reader)).status_code == 403
    assert reads(client, lower)


def test_a_passkey_that_is_too_young_is_raised_by_a_code_and_falls_back_with_the_app() -> None:
    reader = reader_of(seal(asking(3)))
    person = with_app(reader)
    client = at_level(reader, 3, "passkey", factor_at=timezone.now())
    assert "Your passkey was added after this message was sent" in words(client.get(path_of(reader)).content)
    client.post(f"{path_of(reader)}/factor/", {"code": shown(person)})
    assert reads(client, reader)
    authenticators.remove(person)
    assert client.get(path_of(reader)).status_code == 403


def test_who_was_signed_out_meanwhile_is_not_signed_in_by_a_proof() -> None:
    reader = reader_of(seal(asking(3)))
    token = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    session = sessions.of_token(token, reader.message.brand)
    assert session is not None
    sessions.end(session)
    with pytest.raises(SessionOver):
        sessions.raise_level(session, factor_at=timezone.now())
    assert not Session.objects.exists()


def test_the_forms_need_their_token() -> None:
    reader = reader_of(seal(asking(3, phrase=PHRASE)))
    client = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    for form in ("phrase", "factor"):
        assert client.post(f"{path_of(reader)}/{form}/", {"phrase": PHRASE}).status_code == 403
    assert Phrase.objects.get(reader=reader).tries == 0


def test_without_any_way_the_page_says_whom_to_ask_and_never_two_factor() -> None:
    reader = reader_of(seal(asking(3)))
    page = words(signed_in(reader).get(path_of(reader)).content)
    assert "agree on a phrase with you" in page
    assert "factor" not in page.lower()


def test_level_two_offers_the_providers_and_level_three_does_not() -> None:
    for level in (2, 3):
        reader = reader_of(seal(asking(level)))
        if level == 2:
            make_provider(reader.message.brand, "google", "google", "mail.example")
        answer = signed_in(reader).get(path_of(reader))
        assert answer.status_code == 403
        assert ("Continue with Google" in answer.content.decode()) == (level == 2)
        assert ("https://google.example" in answer["Content-Security-Policy"]) == (level == 2)


def test_level_three_offers_a_passkey_that_is_older_than_the_message_and_works() -> None:
    reader = reader_of(seal(asking(3)))
    person, brand = people.of_reader(reader), reader.message.brand
    phone = Device(choosing.origin(brand))
    options = passkeys.ask_to_add(person, brand, b"b" * 32, user_name="x")
    passkey = passkeys.add(person, brand, b"b" * 32, phone.make(options), proved_at=timezone.now())
    client, form = signed_in(reader), f'action="{path_of(reader)}/passkey/"'
    for made, asleep, offered in ((1, None, False), (-1, timezone.now(), False), (-1, None, True)):
        made_at = reader.message.made_at + timedelta(minutes=made)
        change(Passkey.objects.filter(pk=passkey.pk), made_at=made_at, asleep_at=asleep)
        assert (form in client.get(path_of(reader)).content.decode()) == offered
    assert not reads(client, reader)
    client.post("/passkey/ask/")
    told = client.post("/passkey/ask/").json()
    assert client.post(f"{path_of(reader)}/passkey/", {"answer": phone.sign(told)}).status_code == 303
    assert reads(client, reader)
