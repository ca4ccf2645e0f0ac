"""Delegates: who may see and act on what another sent, what they may not, and that it ends at once and is no chain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import delegates, people
from portal.access.delegates import AlreadyDelegate, By, NotForYourself, NotInside, SameAddress, TooManyDelegates
from portal.access.models import AskedSender, Delegation, Session
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.lifecycle import withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.vault.models import Message
from tests.access.resealing import reseal
from tests.grants import change
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, path_of, reader_of, seal, signed_in, words
from tests.sent.browsing import browser
from tests.sent.test_receipts import text, with_page

pytestmark = pytest.mark.django_db
EBBA, KIM = "ebba@aldervalley.example", "kim@aldervalley.example"


def lend(owner: str = MAYA, to: str = EBBA, office: bool = False) -> Delegation:
    giver = people.of_address("ada@aldervalley.example" if office else owner)
    by = By(delegates.OFFICE, giver.pk, "absent") if office else By(delegates.SENDER, giver.pk)
    return delegates.give(people.of_address(owner), to, default_brand(), by)


def facts(kind: str) -> dict[str, object]:
    found: dict[str, object] = Entry.objects.filter(kind=kind).order_by("-id")[0].facts
    return found


def row(address: str) -> str:
    return str(people.of_address(address).pk)


def post(client: Client, url: str, **form: object) -> str:
    return words(client.post(url, form, follow=True).content)


@pytest.fixture
def message() -> Message:
    return seal(mail("[secure] Your results", files=[("scan.pdf", "application/pdf", b"%PDF-1.7 x")]))


def sees(message: Message, address: str = EBBA) -> bool:
    return browser(address).get(f"/sent/{message.pk}/").status_code == 200


def test_a_sender_lets_somebody_act_and_ends_it_and_both_is_recorded(message: Message) -> None:
    client = browser()
    assert not sees(message)
    said = post(client, "/sent/delegates/add/", address=" Ebba@AlderValley.example ")
    assert "They can act for you from now on." in said and EBBA in said.lower()
    given = {"owner": row(MAYA), "delegate": row(EBBA), "brand": "alder", "who": "sender", "by": row(MAYA)}
    assert facts("sender.delegate_added") == given
    theirs = browser(EBBA)
    assert theirs.get(f"/sent/{message.pk}/").status_code == 200
    lent = Delegation.objects.get()
    said = post(client, f"/sent/delegates/{lent.pk}/end/")
    assert "They see nothing of yours any more." in said and "Nobody acts for you." in said
    assert facts("sender.delegate_removed") == given
    assert theirs.get(f"/sent/{message.pk}/").status_code == 404, "on the very next request"
    assert theirs.get(f"/sent/?for={lent.pk}").status_code == 404
    assert theirs.post(f"/sent/{message.pk}/withdraw/", {"reason": "other"}).status_code == 404


def test_they_see_the_list_of_that_sender_and_their_own_apart(message: Message) -> None:
    own = seal(mail("[secure] Mine alone", sender=EBBA), JONAS, sender=EBBA)
    lent = lend()
    client = browser(EBBA)
    mine = words(client.get("/sent/").content)
    assert "Mine alone" in mine and "Your results" not in mine and MAYA in mine
    hers = words(client.get(f"/sent/?for={lent.pk}").content)
    assert "Your results" in hers and "Mine alone" not in hers and f"Messages that {MAYA} sent" in hers
    assert "You act for" in words(client.get(f"/sent/{message.pk}/").content)
    assert "You act for" not in words(client.get(f"/sent/{own.pk}/").content)
    assert MAYA not in client.get(f"/sent/?for={lent.pk}").request["QUERY_STRING"]


def test_what_they_do_is_theirs_in_the_record_and_shown_to_the_sender(message: Message) -> None:
    lend()
    reader = reader_of(message)
    client, url = browser(EBBA), f"/sent/{message.pk}/"
    assert "Withdrawn at" in post(client, f"{url}withdraw/", reader=str(reader.pk), reason="wrong_content")
    assert facts("message.withdrawn") == {"who": "delegate", "by": row(EBBA), "reason": "wrong_content"}
    assert signed_in(reader).get(path_of(reader)).status_code == 410
    hers = words(browser().get(url).content)
    assert f"by {EBBA} , who acts for the sender" in hers and "Withdrawn by an administrator" not in hers
    assert "Change date" in post(browser(), f"{url}undo/"), "the sender undoes what a delegate withdrew"
    day = timezone.localdate() + timedelta(days=3)
    post(client, f"{url}date/", until=day.isoformat())
    assert facts("message.date_changed")["who"] == "delegate"
    post(client, f"{url}rights/", off="download", reader=str(reader.pk))
    assert facts("message.rights_changed")["by"] == row(EBBA)
    Outbound.objects.update(made_at=timezone.now() - timedelta(hours=1))
    assert "The mail is sent again." in post(client, f"{url}resend/", reader=str(reader.pk))


def test_what_an_administrator_withdrew_a_delegate_does_not_undo(message: Message) -> None:
    lend()
    withdrawing.withdraw(message.pk, "", by=Actor(Who.OFFICE, "x"), why=Why.LAW)
    assert "There is nothing to undo." in post(browser(EBBA), f"/sent/{message.pk}/undo/")


def test_a_delegate_lets_nobody_read(message: Message) -> None:
    lend()
    client = browser(EBBA)
    assert "Add a recipient" not in words(client.get(f"/sent/{message.pk}/").content)
    assert client.get(f"/sent/{message.pk}/add/").status_code == 404
    assert client.post(f"/sent/{message.pk}/add/", {"address": EBBA}).status_code == 404
    asked = AskedSender.objects.create(
        reader=reader_of(message), person=people.of_address("anna@other.example"), note=b"", at=timezone.now()
    )
    assert client.get(f"/sent/asked/{asked.pk}/").status_code == 404
    assert client.post(f"/sent/asked/{asked.pk}/", {"do": "send"}).status_code == 404
    assert message.readers.count() == 2
    reader = reader_of(message, MAYA)
    assert client.get(path_of(reader)).status_code != 200 or "Your results" not in words(
        client.get(path_of(reader)).content
    )


def test_of_another_sender_s_a_delegate_sees_nothing(message: Message) -> None:
    lend(to=EBBA)
    other = seal(mail("[secure] Another's", sender=KIM), JONAS, sender=KIM)
    assert sees(message) and not sees(other)
    assert not sees(message, KIM)


def test_it_is_never_handed_on(message: Message) -> None:
    """Ebba acts for Maya, and Kim for Ebba: nothing of Maya's is Kim's, nor of Ebba's Maya's."""
    lend(MAYA, EBBA)
    lend(EBBA, KIM)
    ebba_s = seal(mail("[secure] From Ebba", sender=EBBA), JONAS, sender=EBBA)
    assert sees(message, EBBA) and sees(ebba_s, KIM)
    assert not sees(message, KIM) and not sees(ebba_s, MAYA)
    client, ebba = browser(KIM), people.of_address(EBBA)
    assert client.get(f"/sent/?for={Delegation.objects.get(delegate=ebba).pk}").status_code == 404
    assert client.post(f"/sent/{message.pk}/withdraw/", {"reason": "other"}).status_code == 404


def test_it_holds_for_one_brand(message: Message) -> None:
    harbour = Brand.objects.create(slug="harbour", name="Harbour", host="h.localhost", domains=["harbour.example"])
    giver = people.of_address("x@harbour.example")
    delegates.give(giver, "y@harbour.example", harbour, By(delegates.SENDER, giver.pk))
    assert browser("y@harbour.example", harbour).get(f"/sent/{message.pk}/").status_code == 404
    lend()
    assert "Your results" not in words(browser(EBBA, harbour).get(f"/sent/{message.pk}/").content)


def test_nobody_ends_another_s(message: Message) -> None:
    lent = lend()
    for address in (EBBA, KIM):
        assert browser(address).post(f"/sent/delegates/{lent.pk}/end/").status_code == 404
    assert browser().get(f"/sent/delegates/{lent.pk}/end/").status_code == 405
    assert sees(message)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ebba", "That is not a complete address."),
        ("", "That is not a complete address."),
        ("ebba@elsewhere.example", "That is not an address of this organisation."),
        (MAYA, "That is the sender’s own address."),
    ],
)
def test_who_cannot_be_one_is_refused_and_nothing_kept(address: str, said: str) -> None:
    assert said in post(browser(), "/sent/delegates/add/", address=address)
    assert not Delegation.objects.exists() and not Entry.objects.filter(kind="sender.delegate_added").exists()


def test_letting_somebody_in_takes_a_sign_in_of_the_last_minutes_and_ending_it_does_not() -> None:
    lent, client = lend(), browser()
    Session.objects.update(made_at=timezone.now() - timedelta(minutes=11))
    reseal()
    assert "sign in again" in post(client, "/sent/delegates/add/", address=KIM)
    assert Delegation.objects.count() == 1
    assert "Nobody acts for you." in post(client, f"/sent/delegates/{lent.pk}/end/")


def test_whom_an_administrator_let_in_sees_no_subject_and_no_file_and_the_sender_is_told(message: Message) -> None:
    with_page()
    lent = lend(office=True)
    Entry.objects.create(
        at=timezone.now(), kind="file.downloaded", message=message.pk, reader=reader_of(message).pk, facts={"file": 1}
    )
    client = browser(EBBA)
    for url in (f"/sent/{message.pk}/", f"/sent/?for={lent.pk}", f"/sent/{message.pk}/withdraw/"):
        page = client.get(url).content.decode()
        assert JONAS in page and "Your results" not in page and "scan.pdf" not in page
    assert "An administrator lets you act for" in words(client.get(f"/sent/{message.pk}/").content)
    told = Outbound.objects.get(kind="delegated")
    said = text(told).replace("\r\n", " ")
    assert f"An administrator lets {EBBA} act" in said and "/sent/delegates/" in said
    hers = words(browser().get("/sent/delegates/").content)
    assert "An administrator let them act for you" in hers
    assert "They can act for you" in post(browser(), "/sent/delegates/add/", address=EBBA)
    assert "Your results" in client.get(f"/sent/{message.pk}/").content.decode(), "now the sender lets them"


def test_an_administrator_cannot_let_themselves_in() -> None:
    ada = people.of_address(EBBA)
    with pytest.raises(NotForYourself):
        delegates.give(people.of_address(MAYA), EBBA, default_brand(), By(delegates.OFFICE, ada.pk, "absent"))
    with pytest.raises(NotInside):
        lend("maya@elsewhere.example", office=True)


def test_once_and_for_at_most_twenty() -> None:
    lend()
    for office in (False, True):
        with pytest.raises(AlreadyDelegate):
            lend(office=office)
    with pytest.raises(SameAddress):
        lend(to=MAYA)
    owner = people.of_address(MAYA)
    for number in range(delegates.MOST - 1):
        delegate = people.of_address(f"d{number}@aldervalley.example")
        Delegation.objects.create(owner=owner, delegate=delegate, brand=default_brand(), by_office=False)
    with pytest.raises(TooManyDelegates):
        lend(to=KIM)
    with pytest.raises(IntegrityError), transaction.atomic():
        Delegation.objects.create(owner=owner, delegate=owner, brand=default_brand(), by_office=False)


def test_whose_domain_leaves_the_organisation_acts_no_more(message: Message) -> None:
    lend()
    client = browser(EBBA)
    assert "Your results" in words(client.get(f"/sent/{message.pk}/").content)
    change(Brand.objects.all(), domains=[])
    Brand.objects.create(slug="harbour", name="Harbour", host="h.localhost", domains=["aldervalley.example"])
    assert "Your results" not in words(client.get(f"/sent/{message.pk}/").content)
