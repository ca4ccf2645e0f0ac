"""Every page of the office with every role, by the tables that docs/administrators.md prints."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from branding.models import Brand
from portal.access import administrators, cookies, roles, sessions
from portal.access.models import Person
from portal.access.roles import May, Role
from portal.audit.models import Entry
from portal.console.urls import urlpatterns
from portal.delivery.models import Outbound
from portal.delivery.sending import send_due
from portal.delivery.tasks import MAIL
from portal.ingest.models import Spooled
from portal.lifecycle import bulk
from portal.lifecycle.actors import COMMAND
from portal.lifecycle.choosing import Choice
from portal.lifecycle.models import Run
from portal.rules import draft
from portal.rules.document import Document
from tests.console.conftest import CANARY, Arrive
from tests.console.pages import browser
from tests.mails import JONAS, KARIN, MAYA
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "administrators.md").read_text()
TABLE = re.compile(r"^\| permission \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
ALLOWED, FREE = (200, 204, 303, 404, 405, 409, 422), "any role"


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def printed() -> dict[Role, set[May]]:
    """Role to permissions, as the documentation prints them."""
    found = TABLE.search(PAGE)
    assert found
    head, _, *lines = found[0].splitlines()
    names = [next(role for role in roles.OFFICE if role.label == name) for name in cells(head)[1:]]
    granted: dict[Role, set[May]] = {role: set() for role in names}
    for line in lines:
        permission, *marks = cells(line)
        assert set(marks) <= {"yes", ""}
        for role, mark in zip(names, marks, strict=True):
            if mark:
                granted[role].add(May(permission.strip("`")))
    return granted


def pages() -> dict[str, tuple[set[str], str]]:
    """Address, with ID for an id, to its methods and permission."""
    rows = re.findall(r"^\| `(/admin/[^`]*)` \| ([A-Z, ]+) \| `(\w+)` \|$", PAGE, re.MULTILINE)
    found = {address: (set(methods.split(", ")), permission) for address, methods, permission in rows}
    own = re.search(r"pages of their own sign-in: (.*?)\.\n", PAGE, re.DOTALL)
    assert own
    return found | {address: (set[str](), FREE) for address in re.findall(r"`(/admin/[^`]+)`", own[1])}


def shape(name: str) -> str:
    """The address of a console page with ID in place of an id."""
    number = uuid4()
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse(name, args=[number]).replace(str(number), "ID")


def with_role(brand: Brand, role: Role) -> Client:
    person = administrators.add(f"{role.value}@aldervalley.example", role, by=None)
    token = sessions.begin(person, brand, keep=False, method=sessions.PASSKEY, office=True)
    return browser(brand, cookies.OFFICE, token)


def ids(held: UUID) -> dict[str, str]:
    """Something for each page that is about one thing."""
    someone = administrators.add("someone@aldervalley.example", Role.SUPPORT, by=None)
    draft.save(with_own_kind, lambda document: None, draft.token(None), None)
    run = bulk.ask(Run.Action.WITHDRAW, Choice(sender=MAYA), COMMAND)
    return {
        "/admin/messages/bulk/": str(run.id),
        "/admin/messages/": str(held),
        "/admin/brands/": "alder",
        "/admin/start/mail/": "postfix",
        "/admin/rules/rule/": "tag",
        "/admin/rules/kinds/built-in/": "payment-card",
        "/admin/rules/kinds/own/": "customer-number",
        "/admin/rights/": "do-not-forward",
        "/admin/people/": str(someone.id),
        **{
            start: str(uuid4())
            for start in (
                "/admin/you/",
                "/admin/delegates/",
                "/admin/programs/tokens/",
                "/admin/programs/webhooks/",
                "/admin/health/test/",
                "/admin/bounces/",
                "/admin/directory/import/",
            )
        },
    }


def with_own_kind(document: Document) -> Document:
    return {**document, "types": [{"slug": "customer-number", "name": "Customer number", "words": ["customer"]}]}


def test_the_printed_table_is_the_one_that_is_kept() -> None:
    assert printed() == {role: set(roles.PERMISSIONS[role]) for role in roles.OFFICE}
    assert roles.PERMISSIONS[Role.READER] == frozenset()


def test_every_page_of_the_office_is_printed() -> None:
    assert {shape(pattern.name or "") for pattern in urlpatterns} == set(pages())


def test_no_other_room_has_a_page_there_but_the_ones_to_sign_in_by() -> None:
    routes = [str(one.pattern) for found in get_resolver().url_patterns for one in found.url_patterns]  # type: ignore[union-attr]
    ours = {str(pattern.pattern) for pattern in urlpatterns}
    others = [route for route in routes if route.startswith("admin") and route not in ours]
    assert others
    assert all(route.startswith("admin/enter/") for route in others)


def test_the_table_cannot_be_changed_while_the_portal_runs() -> None:
    with pytest.raises(TypeError):
        roles.PERMISSIONS[Role.SUPPORT] = frozenset(May)  # type: ignore[index]


def test_each_role_gets_its_own_pages_and_no_other(brand: Brand, arrive: Arrive) -> None:
    held = arrive(("X-Letterlock-Protect", "v=9"))
    places = ids(held)
    for role, permissions in printed().items():
        client = with_role(brand, role)
        for shown, (methods, permission) in pages().items():
            about = next((id_ for start, id_ in places.items() if shown.startswith(start)), "")
            address = shown.replace("ID", about)
            if permission == FREE:
                continue
            for method in ("GET", "POST"):
                if (method, shown) == ("POST", "/admin/messages/ID/retry/") and permission in permissions:
                    continue  # tried below
                answer = client.generic(method, address)
                where = f"{method} {shown} as {role.value}"
                if permission not in permissions:
                    assert answer.status_code == 403, where
                    assert "Not part of your role" in answer.content.decode(), where
                elif method in methods:
                    assert answer.status_code in ALLOWED, where
                    assert answer.status_code != 405, where
                    assert "/admin/enter/" not in answer.headers.get("Location", ""), where
                else:
                    assert answer.status_code == 405, where
        assert Spooled.objects.get(pk=held).state == Spooled.State.HELD
    assert with_role_of("admin", brand).post(f"/admin/messages/{held}/retry/").status_code == 303
    assert Spooled.objects.get(pk=held).state == Spooled.State.RECEIVED


def with_role_of(name: str, brand: Brand) -> Client:
    person = Person.objects.get(role=name)
    return browser(brand, cookies.OFFICE, sessions.begin(person, brand, keep=False, method="passkey", office=True))


def test_a_role_that_is_not_known_here_may_nothing(brand: Brand) -> None:
    client = with_role(brand, Role.OWNER)
    Person.objects.update(role="director")
    assert client.get("/admin/").status_code == 303


def test_support_sees_what_became_of_a_message_and_nothing_of_it(brand: Brand, arrive: Arrive) -> None:
    ids_ = [arrive(to=(JONAS, KARIN)), arrive(subject=CANARY), arrive(("X-Letterlock-Protect", "v=9"))]
    client = with_role(brand, Role.SUPPORT)
    pages_ = ["/admin/", "/admin/messages/", "/admin/messages/?show=held", "/admin/health/"]
    for page in [*pages_, *(f"/admin/messages/{id_}/" for id_ in ids_)]:
        answer = client.get(page)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "Try again" not in text, "a button that their role has no use for"
        for secret in (CANARY, JONAS, KARIN, MAYA, "jonas.berg", "Lindqvist"):
            assert secret not in text


@pytest.mark.parametrize("role", [role for role in roles.OFFICE if role != Role.OWNER])
def test_the_navigation_shows_what_the_role_may(brand: Brand, role: Role) -> None:
    every, someone = _navigation(with_role(brand, Role.OWNER)), with_role(brand, role)
    assert _navigation(someone) == [url for url in every if someone.get(url).status_code == 200]


def _navigation(client: Client) -> list[str]:
    text = client.get("/admin/").content.decode()
    return re.findall(r'href="([^"]+)"', text[text.index("<nav aria-label") : text.index("</nav>")])


def test_a_role_that_was_changed_counts_on_the_next_request(brand: Brand) -> None:
    client, owner = with_role(brand, Role.ADMINISTRATOR), administrators.owner("ada@aldervalley.example")
    assert client.get("/admin/messages/").status_code == 200
    person = Person.objects.get(role=Role.ADMINISTRATOR)
    administrators.change(person, Role.BRANDS, by=owner)
    assert client.get("/admin/messages/").status_code == 403
    administrators.remove(person, by=owner)
    assert client.get("/admin/").status_code == 303


def test_the_link_of_a_new_administrator_leaves_with_the_other_mail(brand: Brand) -> None:
    administrators.invite(administrators.add("kim@aldervalley.example", Role.SUPPORT, by=None), by=None)
    assert send_due(MAIL) == 1
    assert Outbound.objects.get().state == Outbound.State.SENT
    kinds = list(Entry.objects.order_by("-id").values_list("kind", flat=True)[:2])
    assert kinds == ["administrator.link_sent", "administrator.link_made"]
