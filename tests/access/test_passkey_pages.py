"""Passkeys on the pages: the way in, the settings, the offer, and the mail that tells of a new one."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import administrators, cookies, passkey_settings, passkeys, people, sessions, shares
from portal.access.credentials import Keyholder, Passkey, UsedChallenge
from portal.access.middleware import SignedInPerson
from portal.access.models import Session, TrustedBrowser
from portal.audit.models import Entry
from portal.delivery import letters, outcomes, tasks
from portal.delivery.models import Outbound
from portal.keys.split import code_of, new_share
from portal.operations.states import mail_name
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.access.visitors import Clock, Visitor, make_brand, make_reader, newest_code, words
from tests.grants import change
from tests.peers.authenticator import Authenticator


@pytest.fixture
def phone(brand: Brand) -> Authenticator:
    return Authenticator(choosing.origin(brand))


def url(reader: Reader) -> str:
    return f"/m/{readers.link_of(reader)}"


def add(visitor: Visitor, device: Authenticator, **more: Any) -> HttpResponse:
    """What static/js/passkey.js does in the settings."""
    options = json.loads(visitor.post("/settings/passkeys/ask/").content)
    return visitor.post("/settings/passkeys/", answer=device.make(options, **more))


def use(visitor: Visitor, device: Authenticator, at: str, **more: Any) -> HttpResponse:
    """What it does on the way in; `at` is where the form leads."""
    options = json.loads(visitor.post("/passkey/ask/").content)
    return visitor.post(at, answer=device.sign(options, **more))


@pytest.fixture
def holder(visitor: Visitor, reader: Reader, phone: Authenticator) -> Visitor:
    """Someone who has added a passkey and signed out again."""
    visitor.prove(reader)
    assert add(visitor, phone).headers["Location"].startswith("/settings/?did=added.")
    visitor.post("/sign-out/")
    return visitor


# -------------------------------------------------------------------------------------------------------- the way in


def test_a_passkey_opens_the_message_at_level_3(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    answer = use(holder, phone, f"{url(reader)}/passkey/")
    assert (answer.status_code, answer.headers["Location"]) == (303, url(reader))
    row = Session.objects.get()
    assert (row.method, row.level, row.office, row.idle_seconds) == ("passkey", 3, False, 1800)
    assert people.reads(row.person, reader)
    entry = Entry.objects.filter(kind="recipient.confirmed").order_by("-id")[0]
    assert (entry.facts["method"], entry.reader) == ("passkey", reader.id)


def test_the_message_code_behind_the_link_is_kept(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    Message.objects.update(split="link")
    options = json.loads(holder.post("/passkey/ask/").content)
    code = code_of(b"s" * 16)
    holder.post(f"{url(reader)}/passkey/", answer=phone.sign(options), share=code)
    assert holder.cookie(shares.COOKIE) == code


def test_the_message_code_is_kept_also_when_the_passkey_opens_nothing(
    holder: Visitor, brand: Brand, phone: Authenticator
) -> None:
    """The page that says why not has other ways in, and no # in its address any more."""
    split = make_reader(brand, "karin@post.example", split="strict")
    options = json.loads(holder.post("/passkey/ask/").content)
    for answer, status in ((phone.sign(options), 403), ("", 422)):
        share = code_of(new_share())
        assert holder.post(f"{url(split)}/passkey/", answer=answer, share=share).status_code == status
        assert holder.cookie(shares.COOKIE) == share


def test_it_works_in_a_browser_that_was_never_here(
    holder: Visitor, stranger: Visitor, reader: Reader, phone: Authenticator
) -> None:
    assert use(stranger, phone, f"{url(reader)}/passkey/").status_code == 303
    assert stranger.session


def test_on_the_neutral_page_it_leads_to_the_inbox(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    answer = use(holder, phone, "/m/passkey/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/")
    assert Session.objects.get().person == people.of_reader(reader)


def test_at_a_message_to_someone_else_nobody_is_signed_in(holder: Visitor, brand: Brand, phone: Authenticator) -> None:
    other = make_reader(brand, "maya@mail.example")
    answer = use(holder, phone, f"{url(other)}/passkey/")
    assert answer.status_code == 403
    said = words(answer)
    assert "That passkey belongs to Jonas.Berg@mail.example. This message was sent to" in said
    assert "maya@mail.example" not in said
    assert not Session.objects.exists()
    assert [entry.facts["reason"] for entry in Entry.objects.filter(kind="recipient.passkey_refused")] == ["address"]


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        (
            {"origin": "https://evil.example"},
            "This passkey could not be checked. Try again, or confirm in another way.",
        ),
        ({"flags": 1}, "This passkey could not be checked."),
        ({"count": 0}, "This passkey no longer works, because there may be a copy of it."),
        ({"handle": b"x" * 32}, "This passkey is not known here; it may have been removed."),
    ],
    ids=["origin", "unverified", "counter", "handle"],
)
@pytest.mark.parametrize("neutral", [False, True], ids=["message", "neutral"])
def test_a_refusal_is_said_and_opens_nothing(
    holder: Visitor, reader: Reader, phone: Authenticator, lies: dict[str, Any], said: str, neutral: bool
) -> None:
    Passkey.objects.update(sign_count=3)
    phone.credentials[0].count = 3
    answer = use(holder, phone, "/m/passkey/" if neutral else f"{url(reader)}/passkey/", **lies)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "Email me a passcode" in words(answer), "the passcode stays"
    assert not Session.objects.exists()


def test_an_answer_opens_once(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    options = json.loads(holder.post("/passkey/ask/").content)
    answer = phone.sign(options)
    assert holder.post("/m/passkey/", answer=answer).status_code == 303
    for where in ("/m/passkey/", f"{url(reader)}/passkey/"):
        again = holder.post(where, answer=answer)
        assert again.status_code == 422
        assert "That took too long, or was tried before. Try again." in words(again)


def test_an_answer_opens_in_the_browser_that_asked(
    holder: Visitor, stranger: Visitor, reader: Reader, phone: Authenticator
) -> None:
    options = json.loads(holder.post("/passkey/ask/").content)
    answer = phone.sign(options)
    stranger.post("/passkey/ask/")
    assert stranger.post(f"{url(reader)}/passkey/", answer=answer).status_code == 422
    bare = Visitor(reader.message.brand)
    assert bare.post(f"{url(reader)}/passkey/", answer=answer).status_code == 422
    assert holder.post(f"{url(reader)}/passkey/", answer=answer).status_code == 303


def test_a_removed_passkey_and_another_brands_open_nothing(
    holder: Visitor, reader: Reader, phone: Authenticator, other_brand: Brand
) -> None:
    abroad = Visitor(other_brand)
    theirs = make_reader(other_brand, "jonas.berg@mail.example")
    options = json.loads(abroad.post("/passkey/ask/").content)
    phone.credentials[0].rp_id = other_brand.host  # a browser that breaks the rules
    phone.origin = choosing.origin(other_brand)
    assert abroad.post(f"{url(theirs)}/passkey/", answer=phone.sign(options)).status_code == 422
    phone.credentials[0].rp_id, phone.origin = reader.message.brand.host, choosing.origin(reader.message.brand)
    passkeys.remove(Passkey.objects.get())
    assert use(holder, phone, f"{url(reader)}/passkey/").status_code == 422
    assert not Session.objects.exists()


def test_with_a_passkey_go_the_sessions_that_it_began_but_for_the_one_that_removes_it(
    holder: Visitor, stranger: Visitor, reader: Reader, phone: Authenticator, clock: Clock
) -> None:
    lost, third = Visitor(reader.message.brand), Visitor(reader.message.brand)
    clock.forward(minutes=1)
    stranger.prove(reader)
    for browser in (holder, lost):
        use(browser, phone, f"{url(reader)}/passkey/")
    key = Passkey.objects.get()
    assert Session.objects.count() == 3
    holder.post(reverse("passkey-remove", args=[key.id]))
    tokens = {cookies.digest(browser.session) for browser in (holder, stranger)}
    assert {bytes(row.token) for row in Session.objects.all()} == tokens
    # The same when there is a copy of it: which of the two sessions is the copy's, nobody can tell.
    copied = Authenticator(phone.origin)
    add(stranger, copied)
    assert use(lost, copied, f"{url(reader)}/passkey/", count=7).status_code == 303
    assert use(third, copied, f"{url(reader)}/passkey/", count=7).status_code == 422
    assert {bytes(row.token) for row in Session.objects.all()} == tokens


def test_another_brands_link_leads_nowhere(holder: Visitor, phone: Authenticator, other_brand: Brand) -> None:
    theirs = make_reader(other_brand, "jonas.berg@mail.example")
    assert use(holder, phone, f"{url(theirs)}/passkey/").status_code == 404
    assert not Session.objects.exists()


def test_without_any_message_left_it_leads_nowhere(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    reader.delete()
    assert use(holder, phone, "/m/passkey/").status_code == 422
    assert not Session.objects.exists()


def test_a_get_changes_nothing(visitor: Visitor, reader: Reader) -> None:
    for where in ("/m/passkey/", f"{url(reader)}/passkey/"):
        assert visitor.get(where).status_code == 303
    for where in ("/passkey/ask/", "/settings/passkeys/", "/settings/passkeys/ask/", "/settings/passkeys/offer/"):
        assert visitor.get(where).status_code == 405
    assert not UsedChallenge.objects.exists()
    assert not Keyholder.objects.exists()


def test_a_form_of_another_site_is_refused(reader: Reader) -> None:
    strict = Visitor(reader.message.brand, enforce_csrf=True)
    for where in ("/passkey/ask/", "/m/passkey/", f"{url(reader)}/passkey/", "/settings/passkeys/"):
        assert strict.post(where, answer="x").status_code == 403


def test_every_180_days_another_proof_is_asked_for_and_the_passkey_works_again(
    holder: Visitor, stranger: Visitor, reader: Reader, phone: Authenticator, clock: Clock
) -> None:
    clock.forward(days=180)
    assert "Twice a year we ask you to confirm in another way" in words(use(holder, phone, f"{url(reader)}/passkey/"))
    stranger.prove(reader)  # whoever has the mailbox now, in another browser
    assert use(holder, phone, f"{url(reader)}/passkey/").status_code == 422
    clock.forward(minutes=1)
    holder.prove(reader)
    holder.post("/sign-out/")
    assert use(holder, phone, f"{url(reader)}/passkey/").status_code == 303


def test_a_brand_without_passkeys_shows_and_takes_none(holder: Visitor, reader: Reader, phone: Authenticator) -> None:
    change(Brand.objects.all(), methods=["passcode"])
    for where in ("/m/", url(reader)):
        assert "passkey" not in holder.get(where).content.decode()
    assert holder.post("/passkey/ask/").status_code == 422
    holder.prove(reader)
    assert "Passkey 1" in words(holder.get("/settings/")), "to be removed"
    assert "Add a passkey" not in words(holder.get("/settings/"))


# ------------------------------------------------------------------------------------ what the pages on the way show


def test_the_first_way_is_the_passkey_only_where_one_of_this_address_was_used(
    holder: Visitor, stranger: Visitor, reader: Reader, brand: Brand
) -> None:
    other = make_reader(brand, "maya@mail.example")
    for page in ("/m/", url(reader)):
        assert "Use your passkey" in words(holder.get(page))
        assert "Use a passkey" in words(stranger.get(page))
    assert "Use a passkey" in words(holder.get(url(other)))
    Passkey.objects.update(asleep_at=timezone.now())
    assert "Use a passkey" in words(holder.get(url(reader)))
    Passkey.objects.all().delete()
    assert "Use a passkey" in words(holder.get(url(reader)))


def test_a_browser_remembers_after_its_first_use(
    holder: Visitor, stranger: Visitor, reader: Reader, phone: Authenticator
) -> None:
    use(stranger, phone, f"{url(reader)}/passkey/")
    stranger.post("/sign-out/")
    assert "Use your passkey" in words(stranger.get(url(reader)))
    assert TrustedBrowser.objects.exclude(passkey_at=None).count() == 2


def test_without_scripts_its_form_is_hidden(visitor: Visitor, reader: Reader) -> None:
    page = visitor.get(url(reader)).content.decode()
    form = page[page.index('data-passkey="get"') :]
    assert form[: form.index(">")].endswith("hidden")


# ------------------------------------------------------------------------------------------------------- the settings


def test_the_cards_say_what_there_is_and_change_it(visitor: Visitor, reader: Reader, phone: Authenticator) -> None:
    visitor.prove(reader)
    assert "instead of a passcode. It is saved in your phone’s or browser’s password manager." in words(
        visitor.get("/settings/")
    )
    page = words(visitor.get(add(visitor, phone).headers["Location"]))
    passkey = Passkey.objects.get()
    assert "Your passkey was added." in page
    assert "Passkey 1" in page
    assert "Not used yet." in page
    renamed = visitor.post(reverse("passkey-rename", args=[passkey.id]), name="<b>Blue</b> phone")
    assert "The name was changed." in words(visitor.get(renamed.headers["Location"]))
    use(visitor, phone, "/m/passkey/")
    raw = visitor.get("/settings/").content.decode()
    assert "&lt;b&gt;Blue&lt;/b&gt; phone" in raw
    assert "Last used" in raw
    gone = visitor.post(reverse("passkey-remove", args=[passkey.id]))
    assert "You will use passcodes again." in words(visitor.get(gone.headers["Location"]))
    assert not Passkey.objects.exists()


def test_a_paused_passkey_is_said_to_be(holder: Visitor, reader: Reader) -> None:
    Passkey.objects.update(asleep_at=timezone.now())
    holder.prove(reader)
    assert "There may be a copy of this passkey, so it opens nothing any more." in words(holder.get("/settings/"))


def test_someone_elses_passkey_can_be_neither_renamed_nor_removed(
    holder: Visitor, stranger: Visitor, brand: Brand
) -> None:
    other = make_reader(brand, "maya@mail.example")
    passkey = Passkey.objects.get()
    for name in ("passkey-rename", "passkey-remove"):
        assert stranger.post(reverse(name, args=[passkey.id]), name="mine").status_code == 403
    stranger.prove(other)
    for name in ("passkey-rename", "passkey-remove"):
        assert stranger.post(reverse(name, args=[passkey.id]), name="mine").status_code == 404
    assert passkeys.name_of(Passkey.objects.get()) == "Passkey 1"


def test_an_administrators_passkey_is_none_of_a_readers_settings(
    visitor: Visitor, reader: Reader, brand: Brand, phone: Authenticator
) -> None:
    visitor.prove(reader)
    person = people.of_reader(reader)
    options = passkeys.ask_to_add(person, brand, b"h" * 32, user_name="x", office=True)
    made = passkeys.add(person, brand, b"h" * 32, phone.make(options), proved_at=timezone.now(), office=True)
    assert "Passkey 1" not in words(visitor.get("/settings/"))
    assert visitor.post(reverse("passkey-remove", args=[made.id])).status_code == 404
    assert use(visitor, phone, "/m/passkey/").status_code == 422
    assert not Outbound.objects.filter(kind="passkey").exists()


def test_adding_needs_a_proof_of_the_last_ten_minutes(
    visitor: Visitor, reader: Reader, phone: Authenticator, clock: Clock
) -> None:
    visitor.prove(reader)
    options = json.loads(visitor.post("/settings/passkeys/ask/").content)
    clock.forward(minutes=10)
    assert visitor.post("/settings/passkeys/ask/").status_code == 422
    refused = visitor.post("/settings/passkeys/", answer=phone.make(options))
    page = words(visitor.get(refused.headers["Location"]))
    assert "Before you change your passkeys, confirm your address again." in page
    assert "First we email you a passcode, to be sure that it is you." in page
    assert not Passkey.objects.exists()
    assert visitor.post("/settings/confirm/").headers["Location"] == "/settings/confirm/passcode/"
    assert "Enter" in words(visitor.get("/settings/confirm/passcode/"))
    proved = visitor.post("/settings/confirm/passcode/", code=newest_code())
    assert (proved.status_code, proved.headers["Location"]) == (303, "/settings/")
    assert add(visitor, phone).headers["Location"].startswith("/settings/?did=added.")


def test_removing_needs_one_too(holder: Visitor, reader: Reader, phone: Authenticator, clock: Clock) -> None:
    use(holder, phone, "/m/passkey/")
    clock.forward(minutes=10)
    remove = reverse("passkey-remove", args=[Passkey.objects.get().id])
    assert remove not in holder.get("/settings/").content.decode()
    refused = holder.post(remove)
    assert "Before you change your passkeys, confirm your address again." in words(holder.get(refused["Location"]))
    assert Passkey.objects.exists()
    holder.post("/settings/confirm/")
    holder.post("/settings/confirm/passcode/", code=newest_code())
    assert remove in holder.get("/settings/").content.decode()
    holder.post(remove)
    assert not Passkey.objects.exists()


def test_what_is_refused_is_said_in_the_settings(visitor: Visitor, reader: Reader, phone: Authenticator) -> None:
    visitor.prove(reader)
    for refused in (add(visitor, phone, flags=1), visitor.post("/settings/passkeys/")):
        assert refused.headers["Location"].endswith("#passkeys")
        assert "This passkey could not be checked." in words(visitor.get(refused.headers["Location"]))
    assert not Passkey.objects.exists()


def test_nobody_adds_a_passkey_without_being_signed_in(visitor: Visitor, reader: Reader) -> None:
    for where in ("ask/", "", "offer/"):
        assert visitor.post(f"/settings/passkeys/{where}", say="never", answer="{}").status_code == 403
    assert visitor.post("/settings/confirm/").status_code == 403
    assert not Keyholder.objects.exists()


def test_an_administrators_session_adds_none_to_a_reader(visitor: Visitor, reader: Reader, brand: Brand) -> None:
    person = administrators.owner("Jonas.Berg@mail.example")
    visitor.client.cookies[cookies.OFFICE] = sessions.begin(person, brand, keep=False, method="entry", office=True)
    assert visitor.post("/settings/passkeys/ask/").status_code == 403


def test_a_second_passkey_is_no_newer_proof_of_the_mailbox(
    holder: Visitor, reader: Reader, phone: Authenticator, clock: Clock
) -> None:
    before = Passkey.objects.get().proved_at
    clock.forward(days=100)
    use(holder, phone, "/m/passkey/")
    add(holder, Authenticator(phone.origin))
    assert set(Passkey.objects.values_list("proved_at", flat=True)) == {before}


# ---------------------------------------------------------------------------------------------------------- the offer


@pytest.fixture
def reading(visitor: Visitor, reader: Reader) -> Visitor:
    visitor.prove(reader)
    return visitor


def offered(visitor: Visitor, reader: Reader) -> bool:
    """As the reading page and the page after an answer find it (portal.access.passkey_settings.offer)."""
    request = RequestFactory().get("/")
    request.brand = reader.message.brand  # type: ignore[attr-defined]
    request.COOKIES[cookies.SESSION] = visitor.session
    SignedInPerson(lambda request: HttpResponse())(request)
    return bool(passkey_settings.offer(request)["offers_passkey"])  # type: ignore[arg-type]


def test_it_is_offered_until_it_is_answered(reading: Visitor, reader: Reader, clock: Clock) -> None:
    assert offered(reading, reader)
    assert offered(reading, reader)
    later = reading.post("/settings/passkeys/offer/", say="later")
    assert (later.status_code, later.content) == (204, b"")
    assert not offered(reading, reader)
    clock.forward(days=90)
    reading.prove(reader)
    assert offered(reading, reader)


def test_it_is_not_offered_again_when_told_so_in_the_settings(reading: Visitor, reader: Reader) -> None:
    assert "Don’t ask again" in words(reading.get("/settings/"))
    assert reading.post("/settings/passkeys/offer/", say="never").status_code == 303
    assert not offered(reading, reader)
    assert "Ask me again" in words(reading.get("/settings/"))
    reading.post("/settings/passkeys/offer/", say="again")
    assert offered(reading, reader)


def test_it_is_not_offered_to_who_has_one_nor_where_the_brand_has_none(
    reading: Visitor, reader: Reader, phone: Authenticator
) -> None:
    change(Brand.objects.all(), methods=["passcode"])
    reader.message.brand.refresh_from_db()
    assert not offered(reading, reader)
    change(Brand.objects.all(), methods=None)
    reader.message.brand.refresh_from_db()
    add(reading, phone)
    assert not offered(reading, reader)


# ----------------------------------------------------------------------------------------------------------- the mails


def alerts() -> list[EmailMessage]:
    rows = Outbound.objects.filter(kind__in=("passkey", "kept")).order_by("made_at")
    prepared = [letters.prepare(row) for row in rows]
    raw = [b"".join(mail.data) for mail in prepared if mail is not None]
    return [message_from_bytes(one, policy=policy.default) for one in raw]  # type: ignore[misc]


def bodies(mail: EmailMessage) -> list[str]:
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return [" ".join(part.get_content().split()) for part in parts if part is not None]


def test_a_mail_tells_of_a_new_passkey_even_when_it_is_gone_again(holder: Visitor, brand: Brand) -> None:
    Brand.objects.update(phone="+46 8 123 45 67")
    Passkey.objects.all().delete()
    (mail,) = alerts()
    assert mail["Subject"] == "A passkey was added at Alder Valley Clinic"
    assert (mail["To"], mail["Auto-Submitted"]) == ("Jonas.Berg@mail.example", "auto-generated")
    for body in bodies(mail):
        assert "Jonas.Berg@mail.example" in body
        assert f"{choosing.origin(brand)}/settings/" in body
        assert "+46 8 123 45 67" in body
    assert "A passkey was added for Jonas.Berg@mail.example on a device at" in bodies(mail)[0]


def test_a_mail_tells_of_a_new_browser_that_stays_signed_in_and_of_no_other(
    visitor: Visitor, stranger: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    assert alerts() == []
    clock.forward(minutes=1)
    visitor.prove(reader, keep="on")
    assert alerts() == [], "the browser is known"
    clock.forward(minutes=1)
    stranger.prove(reader, keep="on")
    (mail,) = alerts()
    assert mail["Subject"] == "A new browser is signed in at Alder Valley Clinic"
    assert all("and chose to stay signed in for 8 hours" in body for body in bodies(mail))


def test_every_kind_of_mail_is_sent_has_an_event_and_a_name() -> None:
    kinds = set(Outbound.Kind)
    assert {*tasks.MAIL, Outbound.Kind.PASSCODE} == kinds
    assert set(outcomes._SENT_EVENT) == kinds
    assert all(mail_name(kind) != kind for kind in kinds)


def test_brands_keep_their_passkeys_apart(visitor: Visitor, reader: Reader, phone: Authenticator, clock: Clock) -> None:
    visitor.prove(reader)
    add(visitor, phone)
    third = make_brand("third.example", name="Third")
    theirs = make_reader(third, "Jonas.Berg@mail.example")
    abroad = Visitor(third)
    clock.forward(minutes=1)
    abroad.prove(theirs)
    assert "Passkey 1" not in words(abroad.get("/settings/"))
    assert abroad.post(reverse("passkey-remove", args=[Passkey.objects.get().id])).status_code == 404
