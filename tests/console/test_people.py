"""The list of administrators: adding, changing, removing; what the record says, and what is refused."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta

import pytest
from django.test import Client

from branding.models import Brand
from portal.access import administrators, cookies, entry, people, sessions
from portal.access.models import EntryLink, Person, Session
from portal.access.office_errors import AlreadyAdministrator, LastOwner, NotAnAdministrator
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.delivery import letters
from portal.delivery.models import Outbound
from tests.access.resealing import reseal
from tests.console.pages import browser

EBBA, KIM = "ebba.olsson@aldervalley.example", "kim.lund@aldervalley.example"


def signed_in(brand: Brand, person: Person) -> Client:
    token = sessions.begin(person, brand, keep=False, method=sessions.PASSKEY, office=True)
    return browser(brand, cookies.OFFICE, token)


def mail_to_kim() -> str:
    """The text of the newest invitation, as the sender would write it now."""
    row = Outbound.objects.filter(kind="invitation").order_by("-made_at")[0]
    prepared = letters.prepare(row)
    assert prepared is not None
    assert prepared.recipient == KIM
    read = email.message_from_bytes(b"".join(prepared.data), policy=email.policy.default)
    part = read.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(text: str) -> str:
    found = re.search(r"/admin/enter/[A-Za-z0-9_-]{43}", text)
    assert found
    return found[0]


def kinds() -> list[str]:
    return list(Entry.objects.filter(kind__startswith="administrator").order_by("id").values_list("kind", flat=True))


@pytest.fixture
def kim(owner: Client) -> Person:
    return administrators.add(KIM, Role.SUPPORT, by=None)


def test_who_is_added_gets_a_mail_and_gets_in_by_it(owner: Client, stranger: Client) -> None:
    answer = owner.post("/admin/people/add/", {"address": " Kim.Lund@AlderValley.example ", "role": "support"})
    assert answer.status_code == 303 and answer["Location"].startswith("/admin/people/?did=mailed.")
    text = mail_to_kim()
    assert "Alder Valley Clinic’s secure messages. Your role: Support." in " ".join(text.split())
    link = link_in(text)
    page = stranger.get(link).content.decode()
    assert "enter the address it was mailed to" in page
    assert KIM not in page, "who holds the link is not told whose it is"
    assert stranger.post(link, {"address": KIM.upper()})["Location"] == "/admin/first/"
    assert stranger.get("/admin/").status_code == 200
    assert stranger.get("/admin/people/").status_code == 403
    listed = owner.get("/admin/people/").content.decode()
    assert KIM.replace("@", "<wbr>@") in listed
    assert "Support" in listed
    added = Entry.objects.get(kind="administrator.added", facts__role="support")
    by = Person.objects.get(role="owner")
    assert added.facts == {"person": str(Person.objects.get(role="support").id), "role": "support", "by": str(by.id)}
    assert kinds()[1:] == [f"administrator.{what}" for what in ("added", "invited", "link_made", "entered")]
    assert not any(KIM in str(one.facts) or EBBA in str(one.facts) for one in Entry.objects.all())


def test_a_machine_that_presses_every_button_of_a_mailed_link_is_not_let_in(
    owner: Client, stranger: Client, kim: Person
) -> None:
    administrators.invite(kim, by=None)
    link = link_in(mail_to_kim())
    for typed in ({}, {"address": ""}, {"address": EBBA}, {"address": "kim"}, {"address": "x" * 10_000}):
        answer = stranger.post(link, typed)
        assert answer.status_code == 422
        assert "mailed to another address" in answer.content.decode()
        assert cookies.OFFICE not in answer.cookies
    assert EntryLink.objects.get().used_at is None
    assert not Session.objects.filter(person=kim).exists()


def test_the_secret_of_a_mailed_link_is_made_when_it_is_sent_and_ends_the_one_before(kim: Person) -> None:
    administrators.invite(kim, by=None)
    assert not EntryLink.objects.exists()
    first = link_in(mail_to_kim()).rpartition("/")[2]
    second = link_in(mail_to_kim()).rpartition("/")[2]  # the sender tries again
    assert entry.find(first) is None
    assert entry.find(second) is not None


def test_no_mail_goes_to_whom_it_would_not_let_in(kim: Person) -> None:
    administrators.invite(kim, by=None)
    row = Outbound.objects.get(kind="invitation")
    Outbound.objects.update(made_at=row.made_at - entry.LIFE - timedelta(minutes=1))
    assert letters.prepare(Outbound.objects.get(pk=row.pk)) is None
    Outbound.objects.update(made_at=row.made_at)
    administrators.remove(kim, by=None)
    assert letters.prepare(Outbound.objects.get(pk=row.pk)) is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"address": "kim at home", "role": "support"}, "not a complete address"),
        ({"address": EBBA, "role": "support"}, "an administrator’s already"),
        ({"address": KIM, "role": "reader"}, "Add an administrator"),
        ({"address": KIM, "role": "director"}, "Add an administrator"),
        ({"address": KIM}, "Add an administrator"),
    ],
)
def test_what_cannot_be_added_is_said(owner: Client, typed: dict[str, str], said: str) -> None:
    answer = owner.post("/admin/people/add/", typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Outbound.objects.exists()
    assert Person.objects.exclude(role="reader").count() == 1


def test_a_role_is_changed_with_a_reason(owner: Client, kim: Person) -> None:
    page = f"/admin/people/{kim.id}/"
    assert owner.post(page, {"role": "auditor"}).status_code == 422
    assert owner.post(page, {"role": "auditor", "reason": "because I say so"}).status_code == 422
    assert Person.objects.get(pk=kim.pk).role == Role.SUPPORT
    assert owner.post(page, {"role": "auditor", "reason": "duties"}).status_code == 303
    assert Person.objects.get(pk=kim.pk).role == Role.AUDITOR
    facts = Entry.objects.get(kind="administrator.role_changed").facts
    ebba = Person.objects.get(role=Role.OWNER)
    assert facts == {
        "person": str(kim.id), "was": "support", "role": "auditor", "by": str(ebba.id), "reason": "duties"
    }  # fmt: skip


def test_who_is_removed_is_out_with_everything(owner: Client, brand: Brand, kim: Person) -> None:
    theirs, link = signed_in(brand, kim), entry.make(kim)
    page = f"/admin/people/{kim.id}/remove/"
    assert "is signed out everywhere at once" in owner.get(page).content.decode()
    assert owner.post(page).status_code == 422
    assert theirs.get("/admin/").status_code == 200
    assert owner.post(page, {"reason": "left"}).status_code == 303
    assert theirs.get("/admin/").status_code == 303
    assert not Session.objects.filter(person=kim).exists()
    assert entry.find(link) is None
    assert Entry.objects.get(kind="administrator.removed").facts["reason"] == "left"
    assert owner.get(page).status_code == 404
    assert owner.post(f"/admin/people/{kim.id}/invite/").status_code == 404


def test_a_reader_who_was_an_administrator_still_reads(owner: Client, brand: Brand, kim: Person) -> None:
    token = sessions.begin(kim, brand, keep=False)
    administrators.remove(kim, by=None)
    assert Session.objects.filter(token=cookies.digest(token)).exists()


def test_the_last_owner_stays_one(owner: Client, kim: Person) -> None:
    ebba = Person.objects.get(role=Role.OWNER)
    changed = owner.post(f"/admin/people/{ebba.id}/", {"role": "admin", "reason": "duties"})
    removed = owner.post(f"/admin/people/{ebba.id}/remove/", {"reason": "left"})
    for answer in (changed, removed):
        assert answer.status_code == 409
        assert "There must be one owner" in answer.content.decode()
    with pytest.raises(LastOwner):
        administrators.remove(ebba, by=None)
    assert Person.objects.get(pk=ebba.pk).role == Role.OWNER
    administrators.change(kim, Role.OWNER, by=ebba)
    assert owner.post(f"/admin/people/{ebba.id}/", {"role": "admin", "reason": "duties"}).status_code == 303
    assert owner.get("/admin/people/").status_code == 403


def test_who_has_no_role_is_neither_changed_nor_added_twice(kim: Person) -> None:
    with pytest.raises(AlreadyAdministrator):
        administrators.add(KIM, Role.OWNER, by=None)
    reader = people.of_address("jonas.berg@mail.example")
    for refused in (
        lambda: administrators.change(reader, Role.OWNER, by=None),
        lambda: administrators.remove(reader, by=None),
        lambda: administrators.find(reader.id),
    ):
        with pytest.raises(NotAnAdministrator):
            refused()
    assert Person.objects.get(pk=reader.pk).role == Role.READER


@pytest.mark.parametrize("page", ["/admin/people/add/", "/admin/people/{id}/", "/admin/people/{id}/remove/"])
def test_an_old_proof_is_not_enough_to_change_who_administers(owner: Client, kim: Person, page: str) -> None:
    address = page.format(id=kim.id)
    Session.objects.update(made_at=Session.objects.get().made_at - timedelta(minutes=10))
    reseal()
    for answer in (
        owner.get(address),
        owner.post(address, {"address": "x@y.example", "role": "owner", "reason": "left"}),
    ):
        assert answer.status_code == 303
        assert answer["Location"] == f"/admin/enter/?next={address.replace('/', '%2F')}"
    assert owner.get("/admin/people/").status_code == 200, "looking needs no new proof"
    assert Person.objects.get(pk=kim.pk).role == Role.SUPPORT
    assert "Say again that it is you" in owner.get(owner.get(address)["Location"]).content.decode()
