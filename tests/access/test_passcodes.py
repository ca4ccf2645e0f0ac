"""A passcode from the button to the message, and every way in which it is refused."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest

from branding.models import Brand
from portal.access import cookies, people
from portal.access.models import Asked, Challenge, Failed, Person, Session, TrustedBrowser
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.access.visitors import Clock, Visitor, mails, make_reader, newest_code, other_than, words

WRONG = "That passcode is not right. Check the 8 digits and try again."
DEAD = "That passcode no longer works after five tries. Ask for a new one."
OLD = "That passcode is too old. Ask for a new one."
USED = "That passcode has been used. Ask for a new one."
ELSEWHERE = "This passcode was asked for in another browser. Ask for a new one here."


def challenge() -> Challenge:
    found: Challenge = Challenge.objects.latest("id")
    return found


def test_the_right_passcode_leads_to_the_message(visitor: Visitor, reader: Reader) -> None:
    asked = visitor.ask(reader)
    assert (asked.status_code, asked["Location"]) == (303, f"/m/{readers.link_of(reader)}/passcode/")
    page = visitor.see(reader)
    assert page.status_code == 200
    assert challenge().reference in words(page)
    assert "Jo•••••@mail.example" in words(page)
    assert "jonas" not in page.content.decode().lower()
    proved = visitor.enter(reader, newest_code())
    assert (proved.status_code, proved["Location"]) == (303, f"/m/{readers.link_of(reader)}")
    session = Session.objects.get()
    assert session.person == Person.objects.get(lookup=bytes(reader.address_lookup).hex())
    assert people.address_of(session.person) == "Jonas.Berg@mail.example"
    assert bytes(session.token) == cookies.digest(visitor.session)


def test_what_happened_is_recorded_without_a_word_of_whom(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, other_than(code))
    visitor.enter(reader, code, keep="on")
    entries = list(Entry.objects.filter(message=reader.message_id).order_by("id"))
    assert [(e.kind, e.reader, e.facts) for e in entries] == [
        ("recipient.passcode_asked", reader.id, {}),
        ("recipient.passcode_failed", reader.id, {"left": 4}),
        (
            "recipient.confirmed",
            reader.id,
            {"method": "passcode", "kept": True, "device": "other", "language": "en-gb"},
        ),
    ]


@pytest.mark.parametrize("form", ["{0}{1}", "{0} {1}", "{0}-{1}", " {0}–{1}\n"])
def test_spaces_and_dashes_in_the_code_do_no_harm(visitor: Visitor, reader: Reader, form: str) -> None:
    visitor.ask(reader)
    code = newest_code()
    assert visitor.enter(reader, form.format(code[:4], code[4:])).status_code == 303


def test_full_width_and_arabic_digits_are_read(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    typed = "".join(chr(0xFF10 + int(d)) for d in code[:4]) + "".join(chr(0x660 + int(d)) for d in code[4:])
    assert visitor.enter(reader, typed).status_code == 303


def test_a_wrong_passcode_stays_in_the_field_and_the_tries_are_counted_down(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    wrong = other_than(newest_code())
    for left in (4, 3, 2):
        page = visitor.enter(reader, wrong)
        assert page.status_code == 422
        assert WRONG in words(page)
        assert f"You have {left} tries left." in words(page)
        assert f'value="{wrong}"' in page.content.decode()
    assert "You have 1 try left." in words(visitor.enter(reader, wrong))
    assert not Session.objects.exists()


def test_the_fifth_wrong_guess_kills_the_passcode_even_for_who_then_types_it_right(
    visitor: Visitor, reader: Reader
) -> None:
    visitor.ask(reader)
    code = newest_code()
    for _ in range(4):
        visitor.enter(reader, other_than(code))
    assert DEAD in words(visitor.enter(reader, other_than(code)))
    assert DEAD in words(visitor.enter(reader, code))
    assert DEAD in words(visitor.see(reader))
    assert "It works until" not in words(visitor.see(reader))
    assert not Session.objects.exists()
    assert challenge().guesses == 5


def test_the_fifth_guess_may_be_the_right_one(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    for _ in range(4):
        visitor.enter(reader, other_than(code))
    assert visitor.enter(reader, code).status_code == 303


def test_nothing_typed_and_a_wrong_number_of_digits_are_no_guesses(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    assert "Enter the 8 digits from the email." in words(visitor.enter(reader, "  - "))
    page = words(visitor.enter(reader, "1234567"))
    assert "A passcode has 8 digits. You entered 7." in page
    assert "A passcode has 8 digits. You entered 9." in words(visitor.enter(reader, "1234 5678 9"))
    assert "A passcode has 8 digits. You entered 600." in words(visitor.enter(reader, "1" * 5000))
    assert challenge().guesses == 0
    assert not Failed.objects.exists()


def test_a_passcode_works_once(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, code)
    visitor.get("/inbox/")
    visitor.client.cookies.pop(cookies.SESSION)
    assert USED in words(visitor.enter(reader, code))


def test_signed_out_before_anything_was_seen_it_works_no_more(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, code)
    visitor.post("/sign-out/")
    assert USED in words(visitor.enter(reader, code))


def test_a_second_press_in_a_browser_that_is_in_already_leads_on(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    first, token = visitor.enter(reader, code), visitor.session
    again = visitor.enter(reader, code)
    assert (again.status_code, again["Location"]) == (303, first["Location"])
    assert visitor.session == token
    assert Session.objects.count() == 1


def test_a_press_whose_answer_was_lost_is_pressed_again_and_still_opens_once(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, code)
    lost = visitor.session
    del visitor.client.cookies[cookies.SESSION]
    assert USED not in words(visitor.see(reader)), "nor does the page say so"
    assert WRONG in words(visitor.enter(reader, other_than(code)))
    assert visitor.enter(reader, code).status_code == 303
    assert Session.objects.count() == 1
    seen = visitor.session
    visitor.client.cookies[cookies.SESSION] = lost
    assert "Read your message" in words(visitor.get("/inbox/")), "the first answer, should it come late, opens nothing"
    visitor.client.cookies[cookies.SESSION] = seen
    assert "Read your message" not in words(visitor.get("/inbox/"))
    del visitor.client.cookies[cookies.SESSION]
    assert USED in words(visitor.enter(reader, code)), "what it began was seen"


def test_a_lost_answer_lets_no_other_browser_in_and_none_after_the_passcode_s_life(
    visitor: Visitor, stranger: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, code)
    del visitor.client.cookies[cookies.SESSION]
    assert ELSEWHERE in words(stranger.enter(reader, code))
    for _ in range(4):
        visitor.enter(reader, other_than(code))
    assert visitor.enter(reader, code).status_code != 303, "no more than five guesses, as ever"
    Challenge.objects.update(guesses=1)
    Failed.objects.all().delete()
    clock.forward(minutes=16)
    assert USED in words(visitor.enter(reader, code))
    assert Session.objects.count() == 1


def test_a_passcode_is_too_old_after_fifteen_minutes(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    code = newest_code()
    clock.forward(minutes=15)
    assert OLD in words(visitor.see(reader))
    assert OLD in words(visitor.enter(reader, code))
    assert not Session.objects.exists()


def test_a_passcode_works_until_the_end_of_its_fifteen_minutes(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    code = newest_code()
    clock.forward(minutes=14, seconds=59)
    assert visitor.enter(reader, code).status_code == 303


def test_a_passcode_works_only_in_the_browser_that_asked(visitor: Visitor, stranger: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    right, wrong = stranger.enter(reader, code), stranger.enter(reader, other_than(code))
    assert right.status_code == wrong.status_code == 422
    assert words(right) == words(wrong)
    assert ELSEWHERE in words(right)
    assert "Email me a passcode" in words(right)
    assert challenge().guesses == 0
    assert visitor.enter(reader, code).status_code == 303


def test_a_made_up_browser_cookie_is_no_browser(visitor: Visitor, stranger: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    for forged in ("", "x", "../../etc", "A" * 43, bytes(challenge().browser).hex()):
        stranger.client.cookies[cookies.BROWSER] = forged
        assert ELSEWHERE in words(stranger.enter(reader, newest_code()))


def test_another_browser_that_asks_does_not_kill_the_first_ones_passcode(
    visitor: Visitor, stranger: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    code = newest_code()
    clock.forward(minutes=1)
    stranger.ask(reader)
    assert stranger.enter(reader, code).status_code == 422
    assert visitor.enter(reader, code).status_code == 303


def test_a_passcode_opens_no_other_message_of_the_same_browser(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    other = make_reader(brand, "jonas.berg@mail.example")
    visitor.ask(reader)
    assert ELSEWHERE in words(visitor.enter(other, newest_code()))
    assert not Session.objects.exists()


def test_asking_again_within_the_page_changes_the_digits_and_the_reference_that_tells_the_mails_apart(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    first, reference = newest_code(), challenge().reference
    clock.forward(minutes=1)
    assert visitor.ask(reader).status_code == 303
    assert Challenge.objects.count() == 1
    assert challenge().reference != reference
    assert challenge().reference in words(visitor.see(reader))
    assert newest_code() != first
    assert WRONG in words(visitor.enter(reader, first))
    assert visitor.enter(reader, newest_code()).status_code == 303


def test_asking_again_never_refills_the_guesses(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    for _ in range(3):
        visitor.enter(reader, other_than(newest_code()))
    clock.forward(minutes=1)
    visitor.ask(reader)
    assert "You have 1 try left." in words(visitor.enter(reader, other_than(newest_code())))
    clock.forward(minutes=1)
    visitor.ask(reader)
    assert DEAD in words(visitor.enter(reader, other_than(newest_code())))


def test_asking_again_gives_fifteen_minutes_more(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    clock.forward(minutes=14)
    visitor.ask(reader)
    clock.forward(minutes=14)
    assert visitor.enter(reader, newest_code()).status_code == 303


@pytest.mark.parametrize("end", ["dead", "old", "used"])
def test_after_its_end_a_new_challenge_begins(visitor: Visitor, reader: Reader, clock: Clock, end: str) -> None:
    visitor.ask(reader)
    code = newest_code()
    if end == "dead":
        for _ in range(5):
            visitor.enter(reader, other_than(code))
    elif end == "used":
        visitor.enter(reader, code)
    clock.forward(minutes=20)
    assert visitor.ask(reader).status_code == 303
    assert Challenge.objects.count() == 2
    assert challenge().round == 1
    assert visitor.enter(reader, newest_code()).status_code == 303


def test_a_newer_challenge_of_the_same_browser_replaces_the_old_one(
    visitor: Visitor, brand: Brand, reader: Reader
) -> None:
    other = make_reader(brand, "karin@mail.example")
    visitor.ask(reader)
    code = newest_code()
    visitor.ask(other)
    assert OLD in words(visitor.enter(reader, code))
    assert visitor.enter(other, newest_code()).status_code == 303


def test_asking_within_a_minute_sends_nothing_and_says_when(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    clock.moment = clock.moment.replace(hour=14, minute=2, second=20, microsecond=0)
    visitor.ask(reader)
    clock.forward(seconds=59)
    page = visitor.ask(reader)
    assert page.status_code == 429
    assert page["Retry-After"] == "1"
    assert "We sent one at 14:02. You can ask for another at 14:04." in words(page)
    assert len(mails()) == 1
    assert visitor.enter(reader, newest_code()).status_code == 303


def test_a_second_press_says_it_calmly_where_the_passcode_is_typed(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    page = visitor.ask(reader).content.decode()
    assert 'role="status"' in page
    assert 'role="alert"' not in page
    assert 'aria-invalid="true"' not in page


def test_an_answer_that_was_lost_on_the_way_leaves_its_passcode_usable(reader: Reader, brand: Brand) -> None:
    visitor = Visitor(brand)
    visitor.get(f"/m/{readers.link_of(reader)}")
    assert visitor.ask(reader).status_code == 303
    del visitor.client.cookies[cookies.BROWSER]  # the browser went to the mail before it had read the answer
    visitor.get(f"/m/{readers.link_of(reader)}")
    page = words(visitor.ask(reader))
    assert "We sent one at" in page
    assert "Enter your passcode" in page
    assert len(mails()) == 1
    assert visitor.enter(reader, newest_code()).status_code == 303


def test_a_lost_answer_helps_no_other_browser(brand: Brand, reader: Reader) -> None:
    visitor, stranger = Visitor(brand), Visitor(brand)
    for browser in (visitor, stranger):
        browser.get(f"/m/{readers.link_of(reader)}")
    visitor.ask(reader)
    assert stranger.ask(reader).status_code == 429
    assert ELSEWHERE in words(stranger.enter(reader, newest_code()))


@pytest.mark.parametrize("state", [Message.State.WITHDRAWN, Message.State.GONE, "closed"])
def test_a_message_that_cannot_be_read_any_more_looks_open_until_after_the_proof(
    brand: Brand, reader: Reader, state: str, clock: Clock
) -> None:
    # Closing changes no date: it was on the page all along.
    reader.message.open_until = clock.moment + timedelta(days=40)
    reader.message.save()
    pages = []
    for _ in range(2):
        visitor = Visitor(brand)
        asked = visitor.ask(reader)
        page = re.sub(r"[A-Z]+-\d\d|\d\d:\d\d", "X", words(visitor.see(reader)))
        proved = visitor.enter(reader, newest_code())
        pages.append((asked.status_code, asked["Location"], page, proved.status_code, proved["Location"]))
        if state == "closed":
            clock.forward(days=41)
        else:
            Message.objects.update(state=state)
        Asked.objects.all().delete()
        Outbound.objects.all().delete()
    assert pages[0] == pages[1]


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_no_row_and_sets_no_cookie_but_the_forms_token(
    visitor: Visitor, reader: Reader, method: str
) -> None:
    link = readers.link_of(reader)
    paths = ["/m/", "/m/passcode/", "/m/passcode/again/", f"/m/{link}/ask/", f"/m/{link}/passcode/", "/sign-out/"]
    paths += ["/signed-out/", "/m/0000000000000000000000/ask/", "/m/zzz/passcode/", f"/m/{link.upper()}/passcode/"]
    models = (Asked, Challenge, Failed, Person, Session, TrustedBrowser, Outbound, Entry)
    before = [model.objects.count() for model in models]
    for path in paths:
        response = getattr(visitor.client, method)(path)
        assert set(response.cookies) <= {"csrf"}, path
        assert response.status_code in (200, 303, 404), path
    assert [model.objects.count() for model in models] == before


def test_looking_at_the_passcode_page_counts_nothing(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    before = Challenge.objects.values().get()
    for _ in range(10):
        visitor.see(reader)
        visitor.client.head(f"/m/{readers.link_of(reader)}/passcode/")
    assert Challenge.objects.values().get() == before


def test_a_form_without_its_token_does_nothing(brand: Brand, reader: Reader) -> None:
    guarded = Visitor(brand, enforce_csrf=True)
    link = readers.link_of(reader)
    for path in (f"/m/{link}/ask/", f"/m/{link}/passcode/", "/m/", "/m/passcode/", "/m/passcode/again/", "/sign-out/"):
        assert guarded.post(path, address="jonas.berg@mail.example", code="12345678").status_code == 403
    assert not Challenge.objects.exists()


def test_cookies_are_closed_to_scripts_and_other_sites(visitor: Visitor, reader: Reader) -> None:
    visitor.prove(reader)
    for name in (cookies.BROWSER, cookies.TRUSTED, cookies.SESSION):
        morsel = visitor.client.cookies[name]
        assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Lax", "/", "")


def test_the_forms_token_changes_with_the_proof(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    visitor.see(reader)
    before = visitor.cookie("csrf")
    visitor.enter(reader, newest_code())
    assert before
    assert visitor.cookie("csrf") != before


def test_a_link_typed_in_capitals_leads_the_same_way(visitor: Visitor, reader: Reader) -> None:
    link = readers.link_of(reader)
    asked = visitor.post(f"/m/{link.upper()}/ask/")
    assert asked["Location"] == f"/m/{link}/passcode/"
    assert visitor.post(f"/m/{link.upper()}/passcode/", code=newest_code())["Location"] == f"/m/{link}"


def test_a_mail_that_was_refused_is_said_on_the_page(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    Outbound.objects.update(state=Outbound.State.FAILED)
    assert "The passcode could not be delivered to Jo•••••@mail.example" in words(visitor.see(reader))


def test_no_address_code_or_token_reaches_a_log_or_a_repr(
    visitor: Visitor, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, other_than(code))
    visitor.enter(reader, code)
    shown = caplog.text + repr([challenge(), Person.objects.all(), Session.objects.all(), Outbound.objects.all()])
    shown += repr([Failed.objects.all(), Asked.objects.all(), TrustedBrowser.objects.all()]) + str(challenge())
    tokens = [visitor.cookie(name) for name in (cookies.SESSION, cookies.BROWSER, cookies.TRUSTED)]
    for secret in (code, other_than(code), "jonas", *tokens):
        assert secret not in shown.lower()


def test_no_row_holds_the_code_a_token_or_the_address(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code = newest_code()
    visitor.enter(reader, code)
    models = (Asked, Challenge, Failed, Person, Session, TrustedBrowser, Outbound, Entry)
    dump = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for model in models
        for row in model.objects.values_list()
        for value in row
    )
    assert len(dump) > 500
    for secret in (
        code,
        visitor.session,
        visitor.cookie(cookies.BROWSER),
        visitor.cookie(cookies.TRUSTED),
        "onas.berg",
    ):
        assert secret.encode() not in dump
