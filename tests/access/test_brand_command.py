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
    shown = "methods passcode passkey; level 1; scope message; delivery link; writing to it off"
    assert said == f"{brand.slug} (default): {shown}\n"
    assert run("set", brand.slug, "--level", "3", "--delivery", "attachment", "--methods", "all") == run("list")
    brand.refresh_from_db()
    kept = (brand.methods, brand.minimum_level, brand.session_scope, brand.delivery)
    assert kept == (None, 3, "message", "attachment")
    facts = Entry.objects.filter(kind="brand.changed").latest("id").facts
    assert facts == {"brand": brand.slug, "fields": "delivery level methods"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Say what to change"),
        (("--methods", "passcode,google"), "has no way google"),
        (("--methods", "passkey"), "name passcode or a provider as well"),
        (("--methods", ""), "name passcode or a provider as well"),
        (("--level", "4"), "invalid choice"),
        (("--scope", "person"), "invalid choice"),
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
