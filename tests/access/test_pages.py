"""What the pages on the way in show, and to whom."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from branding.models import Brand
from portal.access.models import Challenge
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.access.visitors import Clock, Visitor, mails, make_reader, newest_code, words


def page(visitor: Visitor, reader: Reader) -> str:
    response = visitor.get(f"/m/{readers.link_of(reader)}")
    assert response.status_code == 200
    return words(response)


def test_the_first_page_says_who_wrote_and_masks_whom_to(visitor: Visitor, brand: Brand) -> None:
    reader = make_reader(brand, "jonas.berg@mail.example", open_until=timezone.now() + timedelta(days=30))
    text = page(visitor, reader)
    for said in ("Dr Maya Lindqvist", "maya@aldervalley.example", "Open until", "Email me a passcode", brand.host):
        assert said in text
    assert "jo•••••@mail.example" in text
    assert "the address that starts with j o, at mail.example" in text
    assert "jonas" not in text.lower()


def test_the_last_day_shown_is_the_day_in_which_it_closes(visitor: Visitor, brand: Brand) -> None:
    midnight = timezone.now().replace(year=2031, month=3, day=2, hour=0, minute=0, second=0, microsecond=0)
    assert "Open until 1 March 2031" in page(visitor, make_reader(brand, "a@mail.example", open_until=midnight))
    last = midnight - timedelta(seconds=1)
    assert "Open until 1 March 2031" in page(visitor, make_reader(brand, "b@mail.example", open_until=last))


def test_a_name_that_poses_as_another_address_is_not_shown(visitor: Visitor, brand: Brand) -> None:
    reader = make_reader(brand, "jonas@mail.example")
    told = readers.Envelope("ceo@bank.example", "mallory@evil.example", timezone.now(), "<2@evil.example>")
    Message.objects.update(envelope=readers.seal_envelope(reader.message_id, told))
    text = page(visitor, reader)
    assert "mallory@evil.example" in text
    assert "ceo@bank.example" not in text


def test_signed_in_as_someone_else_the_page_says_so_and_offers_a_passcode(
    visitor: Visitor, brand: Brand, reader: Reader
) -> None:
    other = make_reader(brand, "karin@mail.example")
    visitor.prove(reader)
    response = visitor.get(f"/m/{readers.link_of(other)}")
    assert response.status_code == 403
    text = words(response)
    assert "That is a different address" in text
    assert "You are signed in as Jonas.Berg@mail.example" in text
    assert "ka•••••@mail.example" in text
    assert "karin" not in text.lower()
    assert visitor.prove(other)["Location"] == f"/m/{readers.link_of(other)}"


def test_who_sat_idle_is_told_why_they_must_confirm_again(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    assert "signed out because" not in page(Visitor(reader.message.brand), reader)
    clock.forward(minutes=31)
    assert "You were signed out because nothing happened for 30 minutes." in page(visitor, reader)


def test_the_passcode_page_says_when_and_for_how_long(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    clock.moment = clock.moment.replace(hour=14, minute=2, second=0)
    visitor.ask(reader)
    text = words(visitor.see(reader))
    assert "We emailed it to Jo•••••@mail.example" in text
    assert "14:02" in text
    assert "14:17" in text
    assert Challenge.objects.get().reference in text
    assert newest_code() not in text


def test_who_goes_back_after_the_proof_is_led_to_the_message(visitor: Visitor, reader: Reader) -> None:
    visitor.prove(reader)
    response = visitor.see(reader)
    assert (response.status_code, response["Location"]) == (303, f"/m/{readers.link_of(reader)}")


def test_a_robot_that_presses_every_button_causes_one_mail_and_opens_nothing(brand: Brand, reader: Reader) -> None:
    robot = Visitor(brand)
    link = readers.link_of(reader)
    for _ in range(50):
        for path in (f"/m/{link}", f"/m/{link}/ask/", f"/m/{link}/passcode/", "/m/", "/sign-out/"):
            robot.get(path)
            robot.client.head(path)
        robot.post(f"/m/{link}/ask/")
        robot.post(f"/m/{link}/passcode/", code="")
    assert len(mails()) == 1
    reader.refresh_from_db()
    assert reader.first_opened_at is None
    assert Challenge.objects.get().guesses == 0
