"""`manage.py brand`: what recipients are offered and asked for, changed by an administrator's hand."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from branding.models import Brand
from portal.audit.models import Entry


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("brand", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_only_what_is_named_is_changed_shown_and_recorded(brand: Brand) -> None:
    said = run("set", brand.slug, "--scope", "message", "--methods", "passcode,passkey")
    assert said.startswith(f"{brand.slug} (default): methods passcode passkey; level 1; scope message; delivery link;")
    assert "pictures ask; language en-gb; reminder-days off; tell-withdrawn off; forward-domains any" in said
    more = ("--level", "3", "--delivery", "attachment", "--methods", "all", "--language", "de")
    assert run("set", brand.slug, *more) == run("list")
    brand.refresh_from_db()
    now = (brand.methods, brand.minimum_level, brand.session_scope, brand.delivery, brand.language)
    assert now == (None, 3, "message", "attachment", "de")
    facts = Entry.objects.filter(kind="brand.changed").latest("id").facts
    assert facts == {"brand": brand.slug, "fields": "delivery language level methods"}


def test_every_option_is_read_and_shown(brand: Brand) -> None:
    words = ("--reminder-days", "3", "--tell-withdrawn", "on", "--forward-domains", "Example.org, b.example")
    run("set", brand.slug, *words)
    assert "reminder-days 3; tell-withdrawn on; forward-domains example.org b.example" in run("list")
    run("set", brand.slug, "--reminder-days", "off", "--forward-domains", "none", "--name", " Alder ")
    assert "reminder-days off; tell-withdrawn on; forward-domains none;" in run("list")
    assert "; name “Alder”; " in run("list")
    brand.refresh_from_db()
    assert (brand.reminder_days, brand.forward_domains, brand.name) == (None, [], "Alder")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Say what to change"),
        (("--methods", "passcode,google"), "has no way google"),
        (("--methods", "passkey"), "name passcode or a provider as well"),
        (("--methods", ""), "name passcode or a provider as well"),
        (("--level", "4"), "not a level"),
        (("--language", "xx"), "not one of"),
        (("--scope", "person"), "not one of"),
        (("--reminder-days", "0"), "neither off nor a number"),
        (("--tell-withdrawn", "maybe"), "neither on nor off"),
        (("--forward-domains", "someone@example.org"), "Name mail domains"),
        (("--name", " "), "1 to 120"),
    ],
)
def test_what_would_shut_everyone_out_or_is_not_there_is_refused(
    brand: Brand, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        run("set", brand.slug, *arguments)
    assert not Entry.objects.filter(kind="brand.changed").exists()


def test_a_brand_that_is_not_there_is_named(brand: Brand) -> None:
    with pytest.raises(CommandError, match="There is no brand other"):
        run("set", "other", "--level", "2")
