"""The page of one message: what became of it for each recipient, and to whom it is shown."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, people, sessions
from portal.access.roles import Role
from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.vault import readers
from portal.vault.models import Message
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, reader_of, seal, signed_in, words
from tests.sent.browsing import browser

pytestmark = pytest.mark.django_db


def test_each_recipient_has_a_line_for_what_happened() -> None:
    message = seal(
        mail(
            "[secure] Your results",
            text="the knee is fine",
            files=[("MRI-report.pdf", "application/pdf", b"%PDF-1.7 x")],
        ),
        JONAS,
        KARIN,
    )
    jonas = reader_of(message)
    for kind, facts in (
        ("wrapper.delivered", {"mail": "notice", "answer": "250 2.0.0"}),
        ("recipient.passcode_sent", {}),
        ("recipient.confirmed", {"method": "passcode"}),
        ("message.opened", {"first": True}),
        ("message.opened", {"first": False}),
        ("file.downloaded", {"file": 1}),
        ("file.downloaded", {"file": 1}),
        ("message.replied", {"files": 0}),
    ):
        record(kind, message=message.pk, reader=jonas.pk, **facts)
    readers.mark_opened(jonas)
    text = words(browser().get(f"/sent/{message.pk}/").content)
    assert "Your results" in text and "the knee is fine" not in text
    assert JONAS in text and KARIN in text and "1 of 2 opened" in text
    order = [
        text.index(said) for said in ("Delivered ", "Opened ", ", confirmed by passcode", "Downloaded", "Replied ")
    ]
    assert order == sorted(order)
    assert text.count("Downloaded") == 1 and "MRI-report.pdf" in text and text.count("confirmed by passcode") == 1
    assert "Not opened" in text and "Mail scanners are not counted." in text
    assert "They can download its files." in text and "They cannot forward it." in text


def test_a_provider_is_named_and_whoever_was_signed_in_already_confirmed_nothing_here() -> None:
    message = seal(mail("[secure] Your results"), JONAS, KARIN)
    jonas, karin = reader_of(message), reader_of(message, KARIN)
    record("recipient.confirmed", message=message.pk, reader=jonas.pk, method="provider", provider="google")
    for reader in (jonas, karin):
        record("message.opened", message=message.pk, reader=reader.pk, first=True)
        readers.mark_opened(reader)
    text = words(browser().get(f"/sent/{message.pk}/").content)
    assert text.count("confirmed with Google") == 1 and text.count(", confirmed") == 1 and "2 of 2 opened" in text


def test_a_mail_that_came_back_says_why_and_what_to_do() -> None:
    message = seal(mail("[secure] Your results"))
    Outbound.objects.filter(message=message.pk, kind="notice").update(
        state=Outbound.State.FAILED, last_answer="550 5.1.1 no such user"
    )
    text = words(browser().get(f"/sent/{message.pk}/").content)
    assert "Not delivered. The address does not exist." in text
    assert "Check the address, and send the message again to the right one." in text


def test_what_is_not_theirs_is_like_what_is_not_there() -> None:
    """Another's, another brand's, what was sent to them, what only says that it is theirs, and what nobody sent."""
    other = "ebba@aldervalley.example"
    mine = seal(mail("[secure] Mine"))
    another = seal(mail("[secure] Of another", sender=other), JONAS, sender=other)
    to_me = seal(mail("[secure] To Maya", sender=other), MAYA, sender=other)
    in_my_name = seal(mail("[secure] In the name of Maya"), JONAS, sender=other)
    harbour = Brand.objects.create(
        slug="harbour", name="Harbour", host="harbour.localhost", domains=["aldervalley.example"]
    )
    elsewhere = seal(mail("[secure] Elsewhere"))
    Message.objects.filter(pk=elsewhere.pk).update(brand=harbour)
    client = browser()
    unknown = client.get(f"/sent/{uuid4()}/")
    for message in (another, to_me, in_my_name, elsewhere):
        for path in ("", "withdraw/", "date/", "rights/", "resend/"):
            answer = client.get(f"/sent/{message.pk}/{path}")
            assert (answer.status_code, words(answer.content)) == (404, words(unknown.content))
        for path in ("withdraw/", "undo/", "date/", "rights/", "resend/"):
            assert (
                client.post(
                    f"/sent/{message.pk}/{path}",
                    {"reader": reader_of(message, readers.address_of(message.readers.first())).pk},
                ).status_code
                == 404
            )
    assert client.get(f"/sent/{mine.pk}/").status_code == 200
    assert browser(MAYA, harbour).get(f"/sent/{mine.pk}/").status_code == 404


def test_other_sessions_of_the_same_person_see_the_way_in() -> None:
    message = seal(mail("[secure] Your results"))
    administrators.add(MAYA, Role.OWNER, by=None)
    reading = signed_in(reader_of(message, MAYA))
    office = signed_in(reader_of(message, MAYA))
    token = sessions.begin(people.of_address(MAYA), message.brand, keep=False, method=sessions.ENTRY, office=True)
    office.cookies[cookies.OFFICE] = office.cookies[cookies.SENDER] = token
    for client in (reading, office):
        for path in ("", "withdraw/"):
            text = words(client.get(f"/sent/{message.pk}/{path}", HTTP_HOST=HOST).content)
            assert "Your results" not in text and JONAS not in text and "is not set up here" in text
        client.post(f"/sent/{message.pk}/withdraw/", {"reader": reader_of(message).pk, "reason": "other"})
    assert Message.objects.get(pk=message.pk).state == Message.State.OPEN


def test_looking_changes_nothing_and_is_no_opening() -> None:
    message = seal(mail("[secure] Your results"))
    client = browser()
    for path in ("", "withdraw/", "date/", "rights/", "resend/", "add/"):
        client.get(f"/sent/{message.pk}/{path}?reader={reader_of(message).pk}&reason=other&until=2027-01-01")
        client.head(f"/sent/{message.pk}/{path}")
    assert client.get(f"/sent/{message.pk}/undo/").status_code == 405
    assert Outbound.objects.filter(kind="notice").count() == 1
    now = Message.objects.get(pk=message.pk)
    assert (now.state, now.open_until, now.rights) == (message.state, message.open_until, message.rights)
    assert not message.readers.filter(first_opened_at__isnull=False).exists()


def test_of_a_destroyed_message_the_page_says_so() -> None:
    message = seal(mail("[secure] Your results"))
    now = timezone.now()
    Message.objects.filter(pk=message.pk).update(state="gone", destroying_at=now, destroyed_at=now)
    text = words(browser().get(f"/sent/{message.pk}/").content)
    assert "This message is not stored any more." in text and "Change date" not in text


def test_whoever_writes_the_database_makes_no_message_of_another_their_own() -> None:
    message = seal(mail("[secure] Your results"), JONAS)
    eve = "eve@aldervalley.example"
    own = message.readers.filter(role="author")
    before = bytes(own.get().address_lookup)
    own.update(address_lookup=readers.address_lookup(eve))
    for path in (f"/sent/{message.pk}/", f"/sent/{message.pk}/withdraw/"):
        assert browser(eve).get(path).status_code == 404
    page = browser(eve).get("/sent/messages/")
    assert page.status_code in (200, 404) and JONAS not in words(page.content)
    own.update(address_lookup=before)
    assert browser().get(f"/sent/{message.pk}/").status_code == 200
