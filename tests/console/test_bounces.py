"""Bounces: counted by address and reason, tried again, and addresses that get no more mail until that is lifted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Person
from portal.audit.models import Entry
from portal.console import bouncing, remedies
from portal.delivery import attempts, refusing, telling
from portal.delivery.models import Bounce, Outbound, Suppressed
from portal.delivery.refusing import sort_of, status_of
from portal.delivery.sending import send_due
from portal.delivery.tasks import MAIL
from portal.vault.models import Message
from tests.console.conftest import CANARY, Arrive
from tests.console.test_roles import with_role
from tests.mails import JONAS, KARIN, MAYA

ASKED = {"do": "suppress", "reason": "gone"}


def came_back(id_: Any, status: str = "5.1.1") -> Outbound:
    """As when a report says that the notice did not arrive."""
    row = Outbound.objects.get(message=id_, kind="notice")
    telling.note_heard(row, Outbound.News.FAILED, status)
    row.refresh_from_db()
    return row


def page_of(client: Client, query: str = "") -> str:
    text = client.get(f"/admin/bounces/{query}").content.decode()
    for secret in (CANARY, JONAS, KARIN, MAYA):
        assert secret not in text
    return text


@pytest.mark.parametrize(
    ("answer", "status", "sort"),
    [
        ("550 5.1.1", "5.1.1", "hard"),
        ("554", "554", "hard"),
        ("452 4.2.2", "4.2.2", "soft"),
        ("552 5.2.2", "5.2.2", "soft"),
        ("550 5.7.1", "5.7.1", "blocked"),
        ("550 5.7.26", "5.7.26", "reputation"),
        ("421 4.7.0", "4.7.0", "reputation"),
        ("timed out", "none", "soft"),
    ],
)
def test_an_answer_is_sorted_by_its_code(answer: str, status: str, sort: str) -> None:
    assert status_of(answer) == status
    assert sort_of(status) == sort
    assert remedies.reason(status)
    assert remedies.advice(status)


def test_bounces_are_counted_by_address_and_reason(owner: Client, arrive: Arrive) -> None:
    assert "No mail has come back." in page_of(owner)
    for _ in range(2):
        came_back(arrive())
    came_back(arrive(to=(KARIN,)), "5.7.26")
    assert sorted(Bounce.objects.values_list("status", "count", "on_day")) == [("5.1.1", 2, 2), ("5.7.26", 1, 1)]
    text = page_of(owner)
    assert "jo•••••@mail.example" in text
    assert "There is no such mailbox" in text
    assert "ka•••••@post.example" in text
    assert "jo•••••@mail.example" not in page_of(owner, "?sort=reputation")
    assert "ka•••••@post.example" not in page_of(owner, "?sort=hard")
    assert page_of(owner, "?sort=odd").count("•••••@") == text.count("•••••@")


def test_a_domain_is_told_with_how_much_it_refused_today(owner: Client, arrive: Arrive) -> None:
    arrive()
    came_back(arrive())
    (one,) = bouncing.domains(timezone.now())
    # The one that came back had left before: a server took it, and then it was refused.
    assert (one.name, one.refused) == ("mail.example", 1)
    assert "<bdi>mail.example</bdi>" in page_of(owner)


def test_bounces_come_in_pages(owner: Client, arrive: Arrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bouncing, "PAGE", 1)
    came_back(arrive(to=(JONAS,)))
    came_back(arrive(to=(KARIN,)))
    first, second = bouncing.newest("", None)
    assert "ka•••••@post.example" in page_of(owner)
    older = page_of(owner, f"?after={first.pk}")
    assert "jo•••••@mail.example" in older
    assert second.address_lookup != first.address_lookup


def test_a_suppressed_address_gets_no_notice_and_its_sender_is_told(owner: Client, arrive: Arrive) -> None:
    came_back(arrive())
    Outbound.objects.filter(kind="telling").delete()
    where = f"/admin/bounces/{Bounce.objects.get().pk}/"
    assert owner.post(where, ASKED).status_code == 303
    assert Entry.objects.get(kind="address.suppressed").facts["reason"] == "gone"
    assert "Address suppressed" in page_of(owner)
    id_ = arrive()
    row = Outbound.objects.get(message=id_, kind="notice")
    assert (row.state, row.last_answer) == ("failed", refusing.SUPPRESSED)
    told = Outbound.objects.get(message=id_, kind="telling")
    assert told.news == "failed"
    assert Bounce.objects.get().count == 1, "what never left is no bounce"
    timeline = owner.get(f"/admin/messages/{id_}/").content.decode()
    assert "its address gets none until an administrator lifts that" in timeline
    assert owner.post(where, {"do": "lift", "reason": "mended"}).status_code == 303
    assert Entry.objects.filter(kind="address.lifted").count() == 1
    assert Outbound.objects.get(message=arrive(), kind="notice").state == "sent"


def test_others_get_their_mail_and_a_passcode_goes_to_a_suppressed_address_too(arrive: Arrive, owner: Client) -> None:
    row = came_back(arrive())
    refusing.suppress(bytes(Bounce.objects.get().address_lookup), uuid4(), "gone")
    assert Outbound.objects.get(message=arrive(to=(KARIN,)), kind="notice").state == "sent"
    for kind, held in (("notice", True), ("reminder", True), ("passcode", False), ("relay", False), ("passkey", False)):
        row.kind = kind
        assert refusing.is_held_back(row) is held, kind


def test_suppressing_needs_a_reason_and_the_permission(owner: Client, brand: Brand, arrive: Arrive) -> None:
    came_back(arrive())
    where = f"/admin/bounces/{Bounce.objects.get().pk}/"
    for given in ({"do": "suppress"}, {"do": "suppress", "reason": "because"}, {"do": "else", "reason": "gone"}):
        assert owner.post(where, given).status_code == 422
    support = with_role(brand, Person.Role.SUPPORT)
    assert support.post(where, ASKED).status_code == 403
    assert where not in support.get("/admin/bounces/").content.decode()
    assert not Suppressed.objects.exists()
    assert owner.get(f"/admin/bounces/{uuid4()}/").status_code == 404


def test_a_mail_that_came_back_is_tried_again_once(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    came_back(id_)
    where = f"/admin/bounces/{Bounce.objects.get().pk}/"
    assert "Try again" in owner.get(where).content.decode()
    assert owner.post(where, {"do": "again"}).status_code == 303
    row = Outbound.objects.get(message=id_, kind="notice")
    assert (row.state, row.attempts, row.news, row.told_failure_at) == ("due", 0, "", None)
    assert owner.post(where, {"do": "again"}).status_code == 409
    send_due(MAIL)
    row.refresh_from_db()
    assert row.state == "sent"
    assert Entry.objects.filter(kind="wrapper.requeued", message=id_).count() == 1


@pytest.mark.parametrize("changes", [{"split": "strict"}, {"state": "withdrawn"}])
def test_what_has_no_code_any_more_or_was_withdrawn_is_not_tried_again(
    owner: Client, arrive: Arrive, changes: dict[str, str]
) -> None:
    id_ = arrive()
    came_back(id_)
    Message.objects.filter(pk=id_).update(**changes)
    where = f"/admin/bounces/{Bounce.objects.get().pk}/"
    assert "Try again" not in owner.get(where).content.decode()
    assert owner.post(where, {"do": "again"}).status_code == 409


def test_what_did_not_happen_again_is_forgotten_unless_it_is_suppressed(arrive: Arrive) -> None:
    came_back(arrive())
    came_back(arrive(to=(KARIN,)))
    kept = Bounce.objects.order_by("last_at").last()
    assert kept is not None
    refusing.suppress(bytes(kept.address_lookup), uuid4(), "asked")
    assert refusing.forget_old(timezone.now()) == 0
    assert refusing.forget_old(timezone.now() + refusing.KEPT * 2) == 1
    assert Bounce.objects.get() == kept


def test_a_refused_mail_is_counted_by_the_codes_of_its_answer(arrive: Arrive, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise attempts.Refused("550 5.7.1")

    monkeypatch.setattr(attempts, "_written", refused)
    arrive()
    assert Bounce.objects.values_list("status", "sort", "count").get() == ("5.7.1", "blocked", 1)
