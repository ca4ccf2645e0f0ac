"""A12: tokens and webhooks on a page; what is secret is shown once, and each change has its entry."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.roles import Role
from portal.api import tokens
from portal.api.models import Delivery, Token, Webhook
from portal.api.scopes import Scope
from portal.audit.models import Entry
from tests.console.test_roles import with_role

PROGRAMS = "/admin/programs/"
TOKENS, HOOKS = PROGRAMS + "tokens/", PROGRAMS + "webhooks/"


def secret_in(page: str, start: str) -> str:
    found = re.search(rf'value="({start}[^"]+)"', page)
    assert found
    return found[1]


def test_a_token_is_made_shown_once_renewed_and_ended(owner: Client, brand: Brand) -> None:
    form = {"name": "Billing", "scope": ["messages:send", "messages:read"], "life": "30", "brand": "alder"}
    made = secret_in(owner.post(TOKENS + "add/", form).content.decode(), "llk_")
    row = tokens.find(f"Bearer {made}")
    assert row is not None
    assert set(row.scopes or []) == {Scope.MESSAGES_SEND, Scope.MESSAGES_READ}
    assert row.brand == brand
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    for page in (PROGRAMS, f"{TOKENS}{row.pk}/"):
        text = owner.get(page).content.decode()
        assert "Billing" in text
        assert made not in text
    renewed = secret_in(owner.post(f"{TOKENS}{row.pk}/", {"say": "renew at once"}).content.decode(), "llk_")
    assert tokens.find(f"Bearer {made}") is None
    assert tokens.find(f"Bearer {renewed}") == row
    owner.get(f"{TOKENS}{row.pk}/", {"say": "revoke"})
    assert tokens.find(f"Bearer {renewed}") == row
    assert owner.post(f"{TOKENS}{row.pk}/", {"say": "revoke"}).headers["Location"] == PROGRAMS
    assert tokens.find(f"Bearer {renewed}") is None
    assert owner.get(f"{TOKENS}{row.pk}/").status_code == 404
    kinds = ["admin.token_created", "admin.token_renewed", "admin.token_removed"]
    noted = Entry.objects.filter(kind__startswith="admin.token").order_by("id")
    assert list(noted.values_list("kind", flat=True)) == kinds
    assert made not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_what_cannot_be_a_token_is_refused_with_what_was_typed(owner: Client, brand: Brand) -> None:
    refused = owner.post(TOKENS + "add/", {"name": "Billing", "scope": ["audit:read"], "brand": "alder"})
    assert refused.status_code == 422
    assert "A token of one brand cannot have the scope audit:read" in refused.content.decode()
    assert 'value="Billing"' in refused.content.decode()
    # A brand that is not there is none at all brands' token.
    for gone in ("gone", "\0"):
        refused = owner.post(TOKENS + "add/", {"name": "Billing", "scope": ["messages:read"], "brand": gone})
        assert refused.status_code == 422
        assert "This brand is not there any more" in refused.content.decode()
    assert not Token.objects.exists()
    assert owner.post(TOKENS + "add/", {"name": "Billing"}).status_code == 422
    assert owner.post(TOKENS + "add/", {"name": "x" * 90, "scope": ["scim"]}).status_code == 422
    assert not Token.objects.exists()


def test_a_webhook_is_added_tried_switched_and_removed(owner: Client, brand: Brand) -> None:
    form = {
        "name": "Archive",
        "url": "https://archive.invalid/in?key=canary-4711",
        "room": ["message"],
        "events": "audit.checked",
    }
    secret_in(owner.post(HOOKS + "add/", form).content.decode(), "whsec_")
    hook = Webhook.objects.get()
    assert hook.events == ["message.*", "audit.checked"]
    here = f"{HOOKS}{hook.id}/"
    for page in (PROGRAMS, here):
        text = owner.get(page).content.decode()
        assert "https://archive.invalid/in" in text
        assert "canary-4711" not in text, "an address may carry a password"
    assert "The test was not taken" in owner.post(here, {"say": "test"}).content.decode()
    owner.post(here, {"say": "off"})
    assert not Webhook.objects.get().on
    owner.post(here, {"say": "on"})
    assert Webhook.objects.get().on
    entry = Entry.objects.order_by("id").first()
    assert entry is not None
    now = timezone.now()
    given_up = Delivery.objects.create(
        webhook=hook, entry=entry.pk, made_at=now, due_at=now, state=Delivery.State.FAILED, tries=9, answer="500"
    )
    lost = Delivery.objects.create(webhook=hook, entry=10**9, made_at=now, due_at=now, state=Delivery.State.FAILED)
    page = owner.get(here).content.decode()
    assert entry.kind in page
    owner.post(here, {"say": "again", "delivery": str(given_up.id)})
    assert Delivery.objects.get(pk=given_up.pk).state == Delivery.State.WAITING
    assert Delivery.objects.get(pk=lost.pk).state == Delivery.State.FAILED
    secret_in(owner.post(here + "ending/", {"say": "renew"}).content.decode(), "whsec_")
    assert owner.post(here + "ending/", {"say": "remove"}).headers["Location"] == PROGRAMS
    assert owner.get(here).status_code == 404
    done = set(Entry.objects.filter(kind__startswith="webhook.").values_list("kind", flat=True))
    assert done == {f"webhook.{what}" for what in ("added", "switched", "redelivered", "secret_renewed", "removed")}


def test_an_address_that_cannot_be_told_is_refused_with_what_was_typed(owner: Client, brand: Brand) -> None:
    for url in ("http://archive.example/", "https://user:x@archive.example/", "ftp://archive.example/"):
        refused = owner.post(HOOKS + "add/", {"name": "Archive", "url": url})
        assert refused.status_code == 422, url
        assert 'value="Archive"' in refused.content.decode()
    assert owner.post(HOOKS + "add/", {"name": "A", "url": "https://a.example/", "events": "all"}).status_code == 422
    assert not Webhook.objects.exists()


def test_no_other_role_makes_either(brand: Brand) -> None:
    someone = with_role(brand, Role.SUPPORT)
    assert someone.post(TOKENS + "add/", {"name": "Billing", "scope": ["messages:send"]}).status_code == 403
    assert someone.post(HOOKS + "add/", {"name": "A", "url": "https://a.example/"}).status_code == 403
    assert not Token.objects.exists()
    assert not Webhook.objects.exists()
