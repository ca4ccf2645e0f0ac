"""Writing to the organisation first: nothing leaves before the address is proved, and what was proved arrives whole."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from branding import departments, look
from branding.models import Brand, Department
from portal.access import people, sessions
from portal.access.models import Asked, Challenge, Session
from portal.audit.models import Entry
from portal.delivery import letters, telling
from portal.delivery.models import Outbound
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spool import SpoolWriter
from portal.vault import garbage, readers, unsent
from portal.vault.blobs import store
from portal.vault.errors import SealBroken
from portal.vault.models import Approach, Message, Reader, Unsent
from portal.vault.opening import open_message
from portal.vault.unsent import Own
from portal.writing import approaches, write_to_form
from tests.access.visitors import make_provider, newest_code, other_than
from tests.grants import change
from tests.mails import JONAS, KARIN, mail
from tests.seals import default_brand, put, reader_of, seal, turn, words

pytestmark = pytest.mark.django_db
DESK, BACK = "reception@aldervalley.example", "back.office@aldervalley.example"
HIDDEN = re.compile(r'name="made" value="([^"]+)"')


@pytest.fixture
def brand(settings: Any) -> Brand:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=("aldervalley.example",))
    made = default_brand()
    change(Brand.objects.filter(pk=made.pk), write_to=True, domains=["aldervalley.example"])
    made.refresh_from_db()
    Department.objects.create(
        brand=made, slug="desk", names={"en": "Reception", "de": "Empfang"}, addresses=[DESK, BACK], place=1
    )
    Department.objects.create(
        brand=made, slug="bills", names={"en": "Billing"}, notes={"en": "We answer on Monday."}, addresses=[DESK]
    )
    Department.objects.create(brand=made, slug="closed", names={"en": "Closed"}, addresses=[DESK], enabled=False)
    return made


@pytest.fixture
def browser(brand: Brand) -> Client:
    return Client(headers={"host": brand.host})


def stamped(**ago: float) -> str:
    """A form that was made a while ago."""
    now = timezone.now
    try:
        timezone.now = lambda: now() - timedelta(**(ago or {"minutes": 1}))
        return write_to_form.stamp()
    finally:
        timezone.now = now


def write(browser: Client, at: str = "/write/", **fields: Any) -> Any:
    """Fill the form in and press Continue."""
    usual = {"to": "desk", "subject": "My bill", "message": "Is it paid?", "address": KARIN, "made": stamped()}
    return browser.post(at, {**usual, **fields})


def type_in(browser: Client, code: str) -> Any:
    return browser.post("/write/passcode/", {"code": code})


def sent_by(browser: Client, **fields: Any) -> Message:
    """Written, proved and sealed."""
    assert write(browser, **fields)["Location"] == "/write/passcode/"
    assert type_in(browser, newest_code())["Location"] == "/write/sent/"
    return sealed()


def sealed() -> Message:
    row = turn(Spooled.objects.latest("received_at").pk)
    assert row.state == Spooled.State.DONE, row.last_error
    return Message.objects.get(pk=row.pk)


def mail_of(kind: str, address: str) -> EmailMessage:
    (row,) = [row for row in Outbound.objects.filter(kind=kind) if address in str(opened(row)["To"])]
    return opened(row)


def opened(row: Outbound) -> EmailMessage:
    prepared = letters.prepare(row)
    assert prepared is not None
    found = message_from_bytes(b"".join(prepared.data), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(found: EmailMessage) -> str:
    part = found.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


# ------------------------------------------------------------------------------------------------- the whole way


def test_its_form_brings_what_the_script_for_writing_needs(browser: Client) -> None:
    page = browser.get("/write/").content.decode()
    assert f'<script type="module" src="{look.writing_script_url()}">' in page
    status = re.search(r"<p[^>]* data-status [^>]*>", page)
    assert status
    # static/js/upload.js asks for these; without one of them it breaks off when a file is chosen.
    for name in ("bytes", "kb", "mb", "gb", "uploading", "stopped", "done", "all", "of"):
        assert f' data-{name}="' in status[0]


def test_it_arrives_in_each_mailbox_of_the_department_once_the_address_is_proved(browser: Client) -> None:
    scan = SimpleUploadedFile("scan ö.pdf", bytes(range(256)) * 2000, "application/pdf")
    write(browser, files=[scan], name="Karin Berg")
    assert not Spooled.objects.exists()
    assert {row.kind for row in Outbound.objects.all()} == {"passcode"}
    assert type_in(browser, newest_code())["Location"] == "/write/sent/"
    page = browser.get("/write/sent/")
    message = sealed()
    assert f"Reference {message.short_id}" in words(page.content)
    assert browser.get("/write/sent/").status_code == 200
    assert {row.kind for row in Outbound.objects.filter(message=message.pk)} == {"reply", "notice"}
    for inside in (DESK, BACK):
        got = mail_of("reply", inside)
        assert f"Protected message from {KARIN}, written to Reception" in text_of(got)
        assert "The address is proved, the name is not: “Karin Berg”." in text_of(got)
        assert "Is it paid?" in text_of(got)
        assert str(got["Reply-To"]) == KARIN
        assert "Karin" not in str(got["From"]).replace(KARIN, "")
        (file,) = got.iter_attachments()
        assert (file.get_filename(), file.get_content()) == ("scan ö.pdf", bytes(range(256)) * 2000)
    assert not Unsent.objects.exists()
    entry = Entry.objects.get(kind="message.written")
    assert entry.facts == {"brand": "alder", "department": "desk", "files": 1}


def test_the_writer_gets_a_receipt_with_a_link_to_their_copy_which_names_no_mailbox_inside(browser: Client) -> None:
    message = sent_by(browser)
    receipt = mail_of("notice", KARIN)
    assert message.short_id in str(receipt["Subject"])
    assert "Is it paid?" not in receipt.as_string()
    assert receipt["Auto-Submitted"] == "auto-generated"
    reader = reader_of(message, KARIN)
    link = f"/m/{readers.link_of(reader)}"
    assert link in text_of(receipt)
    assert browser.get(link).status_code == 200
    assert "Is it paid?" not in browser.get(link).content.decode()  # proved to send, not to read
    browser.cookies["session"] = sessions.begin(people.of_reader(reader), message.brand, keep=False)
    page = words(browser.get(link).content)
    assert "Is it paid?" in page
    assert "Reception" in page
    assert DESK not in page
    assert BACK not in page


def test_the_answer_from_the_mailbox_reaches_them_as_a_protected_message_of_one_conversation(browser: Client) -> None:
    message = sent_by(browser)
    got = mail_of("reply", DESK)
    answer = mail("Re: My bill", "It is.", sender=DESK, to=KARIN, headers=[("In-Reply-To", str(got["Message-ID"]))])
    row = put(answer, KARIN, sender=DESK)
    answered = Message.objects.get(pk=row.pk)
    assert (answered.thread, answered.brand_id) == (message.pk, message.brand_id)
    assert answered.direction == Message.Direction.OUT
    opened_ = open_message(reader_of(answered, KARIN))
    assert opened_.body(opened_.toc.text).strip() == "It is."


def test_who_is_signed_in_for_one_message_is_not_led_to_the_list_of_all(brand: Brand, browser: Client) -> None:
    change(Brand.objects.filter(pk=brand.pk), session_scope="message")
    reader = reader_of(seal(mail(), JONAS))
    browser.cookies["session"] = sessions.begin(people.of_reader(reader), brand, keep=False)
    assert JONAS in browser.get("/write/").content.decode()
    assert write(browser)["Location"] == "/write/sent/"
    for path in ("/write/", "/write/sent/"):
        assert 'href="/inbox/"' not in browser.get(path).content.decode()


def test_who_is_signed_in_needs_no_passcode(brand: Brand, browser: Client) -> None:
    reader = reader_of(seal(mail(), JONAS))
    browser.cookies["session"] = sessions.begin(people.of_reader(reader), brand, keep=False)
    assert "Write to Alder Valley Clinic" in words(browser.get("/inbox/").content)
    assert JONAS in browser.get("/write/").content.decode()
    done = write(browser, address="someone.else@web.example", made="")
    assert done["Location"] == "/write/sent/"
    assert open_message(reader_of(sealed(), JONAS)).toc.sender.address == JONAS
    assert not Challenge.objects.exists()


def test_the_brand_is_that_of_the_page_whatever_the_address(brand: Brand, browser: Client) -> None:
    other = Brand.objects.create(slug="harbour", name="Harbour", host="harbour.localhost", write_to=True)
    Department.objects.create(brand=other, slug="all", names={"en": "Everyone"}, addresses=[DESK])
    visitor = Client(headers={"host": other.host})
    assert sent_by(visitor, at="/write/all", to="all").brand_id == other.pk


# --------------------------------------------------------------------------------------------- off until switched on


def test_there_is_no_page_and_no_button_where_the_brand_has_it_off(brand: Brand, browser: Client) -> None:
    Brand.objects.update(write_to=False)
    assert [browser.get(path).status_code for path in ("/write/", "/write/desk", "/write/passcode/")] == [404] * 3
    assert write(browser, files=[SimpleUploadedFile("a.txt", b"a")]).status_code == 404
    assert not Approach.objects.exists()
    reader = reader_of(seal(mail(), JONAS))
    browser.cookies["session"] = sessions.begin(people.of_reader(reader), brand, keep=False)
    assert "Write to" not in words(browser.get("/inbox/").content)


def test_a_department_that_is_off_or_has_no_mailbox_inside_is_not_offered(brand: Brand, browser: Client) -> None:
    page = words(browser.get("/write/").content)
    assert page.index("Billing") < page.index("Reception")
    assert "We answer on Monday." in page
    assert "Closed" not in page
    assert browser.get("/write/closed").status_code == 404
    Department.objects.filter(slug="bills").update(addresses=["desk@elsewhere.example"])
    assert "Billing" not in words(browser.get("/write/").content)
    assert write(browser, to="bills").status_code == 422
    Department.objects.filter(slug="desk").update(addresses=[BACK, "desk@elsewhere.example"])
    message = sent_by(browser)
    assert message.readers.filter(role=Reader.Role.RECIPIENT).count() == 1


def test_names_follow_the_language_of_the_page(brand: Brand, browser: Client) -> None:
    with translation.override("de"):
        assert [one.name for one in departments.offered(brand)] == ["Billing", "Empfang"]


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"to": "nobody"}, "Choose to whom you write."),
        ({"message": "  "}, "Write a message or add a file."),
        ({"address": ""}, "Enter your email address."),
        ({"address": "karin"}, "karin is not a complete address."),
        ({"address": "a@b.example, c@d.example"}, "is not a complete address."),
        ({"address": "Karin <karin.berg@post.example>"}, "is not a complete address."),
        ({"address": "karin@post.example\r\nBcc: x@y.example"}, "is not a complete address."),
        ({"address": DESK.upper()}, "Use your normal mail program."),
        ({"name": "maya@aldervalley.example"}, "Write your name without addresses and links"),
        ({"name": "www.bank.example"}, "Write your name without addresses and links"),
        ({"website": "https://spam.example"}, "Leave this field empty."),
        ({"made": ""}, "That was very quick. Press “Continue” once more."),
        ({"made": "1:forged"}, "That was very quick."),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_of_it_is_lost(
    browser: Client, fields: dict[str, str], sentence: str
) -> None:
    page = write(browser, **fields)
    assert page.status_code == 422
    assert sentence in words(page.content)
    assert "<title>Error: " in page.content.decode()
    if "message" not in fields:
        assert "Is it paid?</textarea>" in page.content.decode()
        assert "Is it paid?</textarea>" in browser.get("/write/").content.decode()
    assert not Challenge.objects.exists()


def test_the_form_that_was_refused_for_its_haste_passes_when_a_person_presses_again(browser: Client) -> None:
    fresh = HIDDEN.search(browser.get("/write/").content.decode())
    assert fresh is not None
    page = write(browser, made=fresh[1])
    assert "very quick" in words(page.content)
    again = HIDDEN.search(page.content.decode())
    assert again is not None
    assert again[1] == fresh[1]


def test_headers_cannot_be_written_into_a_subject_or_a_name(browser: Client) -> None:
    subject = "Hello\r\nBcc: victim@web.example\r\n\r\nbody"
    message = sent_by(browser, subject=subject, name='Ka"rin\r\nX-Evil: 1')
    got = mail_of("reply", DESK)
    assert (got["Bcc"], got["X-Evil"]) == (None, None)
    assert str(got["Subject"]) == "Hello Bcc: victim@web.example body"
    assert message.readers.count() == 3


def test_too_many_files_are_refused_with_the_limit_and_those_that_fit_stay(browser: Client) -> None:
    write(browser, files=[SimpleUploadedFile(f"{n}.txt", b"x") for n in range(25)], address="")
    page = write(browser, files=[SimpleUploadedFile("25.txt", b"x")])
    assert page.status_code == 422
    assert "There are too many files. The limit is 25." in words(page.content)
    assert "0.txt" in words(page.content)
    assert "setup.exe was not added" in words(write(browser, files=[SimpleUploadedFile("setup.exe", b"MZ")]).content)
    assert write(browser, files=[SimpleUploadedFile(f"{n}.txt", b"x") for n in range(200)]).status_code == 413
    assert Unsent.objects.get().files.count() == 25
    assert not Spooled.objects.exists()


def test_a_file_can_be_taken_out_again_and_all_can_be_deleted(browser: Client) -> None:
    before = {item.blob for item in store().stored()}
    write(browser, files=[SimpleUploadedFile("a.txt", b"a" * 5000), SimpleUploadedFile("b.txt", b"b")], address="")
    first, second = [file.pk for file in Unsent.objects.get().files.order_by("pk")]
    assert write(browser, do=f"remove-{first.hex}")["Location"] == "/write/"
    assert [file.pk for file in Unsent.objects.get().files.all()] == [second]
    write(browser, do="remove-junk")
    page = browser.get("/write/").content.decode()
    assert page.index('name="do" value="send"') < page.index('name="do" value="remove-')  # what Enter presses
    assert write(browser, do="save")["Location"] == "/write/"
    kept = write(browser, do="save", files=[SimpleUploadedFile("run.exe", b"MZ")])
    assert "run.exe was not added" in words(kept.content)
    assert "The message is too long." in words(write(browser, do="save", message="x" * 500_001).content)
    write(browser, do="delete")
    assert not Unsent.objects.exists()
    assert "Is it paid?" not in browser.get("/write/").content.decode()
    assert {item.blob for item in store().stored()} - before <= {second}  # deleted once the transaction is committed


# ------------------------------------------------------------------------------------------- proof, and nothing else


def test_every_address_is_answered_alike_and_mailed(browser: Client, brand: Brand) -> None:
    reader_of(seal(mail(), JONAS))
    pages = []
    for address in (JONAS, "nobody.knows@web.example"):
        visitor = Client(headers={"host": brand.host})
        assert write(visitor, address=address)["Location"] == "/write/passcode/"
        page = visitor.get("/write/passcode/").content.decode()
        pages.append(
            re.sub(r"[A-Z]+-\d\d|csrfmiddlewaretoken[^>]*>|<time.*?</time>", "", page).replace(address, "ADDRESS")
        )
    assert pages[0] == pages[1]
    assert Outbound.objects.filter(kind="passcode").count() == 2
    assert newest_code()


def test_a_wrong_passcode_sends_nothing_and_five_of_them_end_it(browser: Client) -> None:
    write(browser)
    code = newest_code()
    wrong = other_than(code)
    pages = [words(type_in(browser, wrong).content) for _ in range(5)]
    assert "That passcode is not right." in pages[0]
    assert "no longer works after five tries" in pages[-1]
    assert type_in(browser, code).status_code == 422
    assert not Spooled.objects.exists()
    assert "Is it paid?</textarea>" in browser.get("/write/").content.decode()


def test_the_passcode_works_in_no_other_browser(browser: Client, brand: Brand) -> None:
    write(browser)
    other = Client(headers={"host": brand.host})
    page = type_in(other, newest_code())
    assert page.status_code == 422
    assert "was asked for in another browser" in words(page.content)
    assert "Is it paid?" not in page.content.decode()
    assert not Spooled.objects.exists()


def test_a_passcode_to_send_signs_nobody_in_and_one_to_read_sends_nothing(browser: Client) -> None:
    seal(mail(to=KARIN), KARIN)
    write(browser)
    assert browser.post("/m/passcode/", {"code": newest_code()}).status_code == 422
    type_in(browser, newest_code())
    assert not Session.objects.exists()
    spooled = Spooled.objects.count()
    write(browser)  # a draft that waits for its own proof
    Outbound.objects.all().delete()
    Asked.objects.all().delete()
    assert browser.post("/m/", {"address": KARIN})["Location"] == "/m/passcode/"
    assert type_in(browser, newest_code()).status_code == 422
    assert Spooled.objects.count() == spooled


def test_the_proof_of_one_address_sends_nothing_in_the_name_of_another(browser: Client) -> None:
    write(browser)
    code = newest_code()
    draft = Approach.objects.get()
    Approach.objects.filter(pk=draft.pk).update(asked=readers.address_lookup(JONAS))
    page = type_in(browser, code)
    assert page.status_code == 422
    assert "nothing was sent" in words(page.content)
    assert not Spooled.objects.exists()


def test_a_get_sends_nothing(browser: Client) -> None:
    write(browser)
    for path in ("/write/", "/write/desk", "/write/passcode/", "/write/passcode/again/", "/write/sent/"):
        assert browser.get(path).status_code in (200, 303)
        browser.head(path)
    assert not Spooled.objects.exists()
    assert Outbound.objects.count() == 1


def test_a_second_passcode_goes_to_the_same_address(browser: Client) -> None:
    write(browser)
    assert browser.post("/write/passcode/again/").status_code == 429  # within the minute
    Outbound.objects.all().delete()
    Challenge.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    Asked.objects.update(at=timezone.now() - timedelta(minutes=2))
    assert browser.post("/write/passcode/again/")["Location"] == "/write/passcode/"
    assert type_in(browser, newest_code())["Location"] == "/write/sent/"


def test_pressing_twice_sends_once(browser: Client, brand: Brand) -> None:
    write(browser)
    token = browser.cookies[write_to_form.COOKIE].value
    draft = approaches.of_token(token, brand, timezone.now())
    assert draft is not None
    type_in(browser, newest_code())
    with pytest.raises(approaches.SentAlready):
        approaches.send(draft, write_to_form.offered_here(_request(brand))[0], KARIN, readers.address_lookup(KARIN))
    assert Spooled.objects.count() == 1


def test_going_back_from_what_was_sent_says_that_it_was_and_asks_for_no_passcode(browser: Client) -> None:
    write(browser)
    assert browser.get("/write/passcode/").status_code == 200
    type_in(browser, newest_code())
    assert browser.get("/write/passcode/")["Location"] == "/write/sent/"
    write(browser, message="Another one.")
    assert browser.get("/write/passcode/").status_code == 200


def _request(brand: Brand) -> Any:
    request = RequestFactory().get("/write/")
    request.brand = brand  # type: ignore[attr-defined]
    return request


def test_what_the_spool_does_not_take_stays_and_is_sent_later_without_another_passcode(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(browser)
    with monkeypatch.context() as broken:
        broken.setattr(SpoolWriter, "commit", lambda self: (_ for _ in ()).throw(SpoolUnavailable("the disk is full")))
        page = type_in(browser, newest_code())
    assert page.status_code == 503
    assert "Your message was not sent. What you wrote is still here." in words(page.content)
    assert not Spooled.objects.exists()
    Approach.objects.update(proved_at=F("proved_at") - timedelta(minutes=16))
    assert write(browser)["Location"] == "/write/passcode/"
    assert not Spooled.objects.exists()
    Approach.objects.update(proved_at=timezone.now())
    assert write(browser)["Location"] == "/write/sent/"
    assert write(browser, address=JONAS)["Location"] == "/write/passcode/"  # another message, another proof


# -------------------------------------------------------------------------------------------- sealed, bounded, swept


def test_what_is_not_proved_is_sealed_under_a_key_that_only_the_browser_holds(browser: Client) -> None:
    write(browser, message="CANARY in the text", files=[SimpleUploadedFile("canary.txt", b"CANARY" * 100)])
    row = Unsent.objects.get()
    stored = bytes(row.words) + b"".join(bytes(file.about) for file in row.files.all())
    assert b"CANARY" not in stored
    assert b"canary" not in stored
    assert KARIN.encode() not in stored
    token = browser.cookies[write_to_form.COOKIE]
    assert bytes(Approach.objects.get().token) != token.value.encode()
    assert token["httponly"]
    with pytest.raises(SealBroken):
        unsent.words_of(Own(bytes(Approach.objects.get().token)), row)


def test_after_a_day_nothing_is_left_of_it(browser: Client, django_capture_on_commit_callbacks: Any) -> None:
    before = {item.blob for item in store().stored()}
    write(browser, files=[SimpleUploadedFile("a.txt", b"a")])
    code = newest_code()
    (blob,) = {item.blob for item in store().stored()} - before
    assert not garbage.look(store(), timezone.now() + timedelta(days=2)).unnamed - len(before) > 0
    Approach.objects.update(made_at=timezone.now() - timedelta(hours=25))
    page = type_in(browser, code)
    assert "is not kept here any more" in words(page.content)
    with django_capture_on_commit_callbacks(execute=True):
        assert approaches.sweep(timezone.now()) == 1
    assert not Unsent.objects.exists()
    assert blob not in {item.blob for item in store().stored()}
    assert approaches.sweep(timezone.now()) == 0


def test_one_network_begins_only_so_much_and_a_signed_in_person_is_not_kept_out_by_it(
    brand: Brand, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approaches, "MOST_OF_A_NETWORK", 2)
    for _ in range(2):
        assert write(Client(headers={"host": brand.host}, REMOTE_ADDR="203.0.113.7")).status_code in (303, 429)
    page = write(Client(headers={"host": brand.host}, REMOTE_ADDR="203.0.113.9"))
    assert page.status_code == 429
    assert int(page["Retry-After"]) <= 3660
    assert "Is it paid?</textarea>" in page.content.decode()
    assert write(Client(headers={"host": brand.host}, REMOTE_ADDR="198.51.100.1")).status_code in (303, 429)
    assert Approach.objects.count() == 3
    reader = reader_of(seal(mail(), JONAS))
    mine = Client(headers={"host": brand.host}, REMOTE_ADDR="203.0.113.7")
    mine.cookies["session"] = sessions.begin(people.of_reader(reader), brand, keep=False)
    assert write(mine)["Location"] == "/write/sent/"


def test_what_waits_for_proof_takes_only_so_much_of_the_disk(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approaches, "BYTES_IN_ALL", 10_000)
    page = write(browser, files=[SimpleUploadedFile("a.bin", b"a" * 20_000)])
    assert page.status_code == 429
    assert not Approach.objects.exists()
    assert write(browser).status_code == 303


def test_one_address_sends_only_so_much_in_a_day(
    brand: Brand, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approaches, "MOST_OF_AN_ADDRESS", 1)
    reader = reader_of(seal(mail(), JONAS))
    browser.cookies["session"] = sessions.begin(people.of_reader(reader), brand, keep=False)
    assert write(browser)["Location"] == "/write/sent/"
    page = write(browser)
    assert page.status_code == 429
    assert "Too much has been written here for now." in words(page.content)
    assert Entry.objects.filter(kind="message.written").count() == 1


def test_the_passcode_is_counted_with_all_that_one_network_asks_for(
    browser: Client, brand: Brand, settings: Any
) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, passcodes_per_network=1)
    assert write(Client(headers={"host": brand.host}, REMOTE_ADDR="203.0.113.7")).status_code == 303
    page = write(Client(headers={"host": brand.host}, REMOTE_ADDR="203.0.113.8"), address=JONAS)
    assert page.status_code == 429
    assert Outbound.objects.count() == 1


def test_a_brand_without_passcodes_says_so_and_keeps_what_was_written(browser: Client, brand: Brand) -> None:
    make_provider(brand, "google", "google")
    change(Brand.objects.all(), methods=["google"])
    assert "Passcodes are switched off here." in words(browser.get("/write/").content), "before anything is written"
    page = write(browser)
    assert page.status_code == 422
    assert "Passcodes are switched off here." in words(page.content)
    assert "Is it paid?</textarea>" in page.content.decode()


def test_a_form_that_was_open_for_too_long_comes_back_with_all_that_was_typed(brand: Brand) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": brand.host, "origin": f"http://{brand.host}"})
    page = write(strict)
    assert page.status_code == 403
    assert "Is it paid?</textarea>" in page.content.decode()
    assert not Approach.objects.exists()
    foreign = Client(enforce_csrf_checks=True, headers={"host": brand.host, "origin": "http://evil.example"})
    assert "Is it paid?" not in write(foreign).content.decode()


# ------------------------------------------------------------------------------------- what comes back from inside


def test_a_mailbox_inside_that_takes_no_mail_is_not_named_to_whoever_wrote(browser: Client) -> None:
    message = sent_by(browser)
    row = next(row for row in Outbound.objects.filter(kind="reply") if DESK in str(opened(row)["To"]))
    Outbound.objects.filter(pk=row.pk).update(state="failed", last_answer="550 5.1.1")
    row.refresh_from_db()
    telling.failed(row)
    told = opened(Outbound.objects.get(kind="telling", message=message.pk))
    assert "did not reach Alder Valley Clinic" in " ".join(text_of(told).split())
    assert DESK not in told.as_string()
    receipt = Outbound.objects.get(kind="notice", message=message.pk)
    telling.failed(receipt)
    assert Outbound.objects.filter(kind="telling").count() == 1


def test_a_split_message_gives_its_writer_the_code_with_the_receipt(browser: Client, settings: Any) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, split="strict")
    message = sent_by(browser)
    assert message.split == "strict"
    assert "Message code:" in text_of(mail_of("notice", KARIN))
    assert "Is it paid?" in text_of(mail_of("reply", DESK))


def test_whoever_writes_the_database_writes_in_nobodys_name(browser: Client) -> None:
    write(browser)
    karin = readers.address_lookup(KARIN)
    Approach.objects.update(asked=karin, proved=karin, proved_at=timezone.now())
    write(browser)
    assert not Spooled.objects.exists()
    # Nor by what stands there of an address of their own, or of another draft of theirs.
    other = Client(headers={"host": "localhost"})
    write(other, address=JONAS)
    mine = approaches.Draft(Approach.objects.latest("made_at"), Own(b""), unsent.Words(), ())
    Approach.objects.update(proved=approaches._proof(mine, karin))
    write(browser)
    assert not Spooled.objects.exists()
