"""Who acts for senders: given by an owner with a reason and never to themselves, masked, ended at once."""

from __future__ import annotations

import pytest
from django.test import Client

from branding.models import Brand
from portal.access import delegates, people
from portal.access.delegates import By
from portal.access.models import Delegation
from portal.audit.models import Entry
from portal.delivery.models import Outbound

MAYA, KIM = "maya.lindqvist@aldervalley.example", "kim.lund@aldervalley.example"
ADD = "/admin/delegates/add/"


def test_it_is_given_with_a_reason_recorded_told_and_listed_with_masks(owner: Client) -> None:
    answer = owner.post(ADD, {"owner": MAYA, "delegate": KIM, "reason": "absent"})
    assert answer.status_code == 303
    row = Delegation.objects.get()
    assert row.by_office and Outbound.objects.filter(kind="delegated", subject_row=row.pk).count() == 1
    facts = Entry.objects.get(kind="sender.delegate_added").facts
    assert facts["who"] == "office" and facts["reason"] == "absent" and facts["owner"] == str(row.owner_id)
    page = owner.get(answer["Location"]).content.decode()
    assert "The sender is told by mail." in page and "An owner" in page
    assert MAYA not in page and KIM not in page and "@aldervalley.example" in page


def test_it_is_ended_with_a_reason_whoever_gave_it(owner: Client, brand: Brand) -> None:
    maya = people.of_address(MAYA)
    row = delegates.give(maya, KIM, brand, By(delegates.SENDER, maya.pk))
    url = f"/admin/delegates/{row.pk}/end/"
    assert owner.get(url).status_code == 200
    assert owner.post(url, {"reason": "absent?"}).status_code == 422 and Delegation.objects.exists()
    assert owner.post(url, {"reason": "risk"}).status_code == 303 and not Delegation.objects.exists()
    facts = Entry.objects.get(kind="sender.delegate_removed").facts
    assert facts["who"] == "office" and facts["reason"] == "risk"
    assert owner.post(url, {"reason": "risk"}).status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"owner": MAYA, "delegate": KIM}, "Choose a reason."),
        ({"owner": "maya", "delegate": KIM, "reason": "absent"}, "That is not a complete address."),
        (
            {"owner": MAYA, "delegate": "kim@elsewhere.example", "reason": "absent"},
            "That is not an address",
        ),
        ({"owner": MAYA, "delegate": MAYA, "reason": "absent"}, "the sender’s own address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(owner: Client, form: dict[str, str], said: str) -> None:
    answer = owner.post(ADD, form)
    assert answer.status_code == 422 and said in answer.content.decode()
    assert form["owner"] in answer.content.decode(), "nothing typed is lost"
    assert not Delegation.objects.exists() and not Outbound.objects.exists()


def test_nobody_lets_themselves_in(owner: Client, brand: Brand) -> None:
    me = people.of_address("me@aldervalley.example")
    with pytest.raises(delegates.NotForYourself):
        delegates.give(people.of_address(MAYA), "me@aldervalley.example", brand, By(delegates.OFFICE, me.pk, "absent"))


def test_many_are_shown_a_page_at_a_time(owner: Client, brand: Brand) -> None:
    maya = people.of_address(MAYA)
    for number in range(52):
        delegate = people.of_address(f"d{number}@aldervalley.example")
        Delegation.objects.create(owner=maya, delegate=delegate, brand=brand, by_office=False)
    first = owner.get("/admin/delegates/").content.decode()
    older = owner.get(f"/admin/delegates/?after={first.split('?after=')[1].split(chr(34))[0]}").content.decode()
    assert (first.count("/end/"), older.count("/end/")) == (50, 2) and "Newest" in older
    assert "?after=" not in older and owner.get("/admin/delegates/?after=x").status_code == 200
