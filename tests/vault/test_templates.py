"""Rights templates: what a message gets by its brand, its sender and a rule, and that a template is never loosened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from branding.models import Brand
from portal.directory.models import Group, Membership
from portal.vault import templates, usage
from portal.vault.errors import TemplateUnknown
from portal.vault.models import Message, RightsTemplate
from portal.vault.rights import GRANTS, Rights
from portal.vault.usage import CODES, LEVELS, SETS, UnknownUsage
from tests.mails import MAYA, mail
from tests.seals import default_brand, put, reader_of, seal

DAY = date(2026, 11, 24)
USUAL = DAY + timedelta(days=30)


def brand(**fields: Any) -> Brand:
    return Brand(slug="alder", open_days=30, **fields)


def made(slug: str, *granted: str, **fields: Any) -> RightsTemplate:
    return RightsTemplate.objects.create(slug=slug, rights=dict.fromkeys(granted, True), **fields)


def test_without_any_template_the_brand_sets_defaults_and_the_sender_may_change_them() -> None:
    terms = templates.resolve(brand(rights={"download": False}), DAY, wishes={"forward": True})
    assert terms == templates.Terms(Rights(download=False, forward=True), USUAL)
    assert templates.resolve(brand(), DAY, until=None, names_day=True).last_day is None


@pytest.mark.django_db
def test_what_comes_with_the_program_is_always_there_and_its_rights_stay_what_they_are() -> None:
    made("do-not-forward", *GRANTS, names={"en": "Between us"}, state="archived")
    row = templates.template("do-not-forward")
    expected = Rights(True, False, False, False, reply_all=True, copy=False)
    assert (templates.name_of(row, "en"), templates.rights_of(row)) == ("Between us", expected)
    assert [row.slug for row in templates.everyone()] == ["encrypt", "do-not-forward", "view-only"]
    only_looked_at = templates.rights_of(templates.template("view-only"))
    assert only_looked_at.watermark and not any(getattr(only_looked_at, name) for name in GRANTS)


@pytest.mark.django_db
def test_a_right_that_a_template_does_not_name_is_refused() -> None:
    assert templates.rights_of(made("bare", level=2)) == Rights(
        False, False, False, False, reply_all=False, copy=False, level=2
    )


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["brand", "asked", "imposed"])
def test_a_template_is_narrowed_by_single_wishes_and_never_widened(way: str) -> None:
    named = {} if way == "brand" else {way: "do-not-forward"}
    of = brand(template="do-not-forward") if way == "brand" else brand()
    wide = templates.resolve(of, DAY, wishes={"forward": True, "download": True, "copy": True}, **named)
    assert wide == templates.Terms(templates.BUILT_IN["do-not-forward"].rights, USUAL, "do-not-forward")
    narrow = templates.resolve(of, DAY, wishes={"reply": False, "watermark": True}, **named)
    assert (narrow.rights.reply, narrow.rights.reply_all, narrow.rights.watermark) == (False, False, True)


@pytest.mark.django_db
def test_a_senders_template_stands_for_the_brands_but_a_rules_binds_the_sender() -> None:
    strict = brand(template="view-only")
    assert templates.resolve(strict, DAY, asked="encrypt").template == "encrypt"
    assert templates.resolve(brand(), DAY, imposed="encrypt").rights.forward
    for asked, imposed in (("encrypt", "do-not-forward"), ("do-not-forward", "encrypt")):
        terms = templates.resolve(strict, DAY, asked=asked, imposed=imposed)
        assert terms.template == "do-not-forward"
        assert not (terms.rights.forward or terms.rights.copy or terms.rights.download)


@pytest.mark.django_db
def test_neither_of_two_templates_loosens_the_other() -> None:
    made("files", "reply", "download", level=2)
    made("words", "reply", "copy", "watermark", level=1)
    terms = templates.resolve(brand(), DAY, asked="files", imposed="words")
    assert terms.rights == Rights(True, False, False, False, True, 2, reply_all=False, copy=False)
    assert terms.template == "words"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("closes", "until", "last"),
    [
        ({"closes": "brand"}, ..., USUAL),
        ({"closes": "brand"}, None, None),
        ({"closes": "days", "open_days": 7}, ..., DAY + timedelta(days=7)),
        ({"closes": "days", "open_days": 7}, None, DAY + timedelta(days=7)),
        ({"closes": "days", "open_days": 7}, DAY + timedelta(days=3), DAY + timedelta(days=3)),
        ({"closes": "days", "open_days": 90}, ..., DAY + timedelta(days=90)),
        ({"closes": "date", "last_day": date(2026, 12, 1)}, USUAL, date(2026, 12, 1)),
        ({"closes": "date", "last_day": date(2026, 11, 1)}, ..., DAY),
        ({"closes": "never"}, ..., None),
        ({"closes": "never"}, USUAL, USUAL),
    ],
)
def test_a_templates_time_is_shortened_by_the_sender_and_never_lengthened(closes: Any, until: Any, last: Any) -> None:
    made("timed", "reply", **closes)
    day = {} if until is ... else {"until": until, "names_day": True}
    assert templates.resolve(brand(), DAY, asked="timed", **day).last_day == last


@pytest.mark.django_db
def test_a_sender_chooses_among_their_own_and_is_told_which_those_are() -> None:
    made("board", "reply", scope=["board.example", "anna@alder.example"])
    made("old", "reply", state="archived")
    for sender, theirs in (("x@board.example", True), ("Anna@Alder.example", True), ("b@alder.example", False)):
        assert ("board" in [row.slug for row in templates.offered(sender)]) == theirs
    assert templates.choice("board", "x@board.example").slug == "board"
    for slug in ("board", "old", "nothing-such"):
        with pytest.raises(TemplateUnknown, match="encrypt, do-not-forward, view-only"):
            templates.choice(slug, "b@alder.example")


@pytest.mark.django_db
def test_a_rules_template_that_is_not_there_lets_nothing_pass_but_an_archived_one_goes_on() -> None:
    made("old", "reply", state="archived")
    assert templates.resolve(brand(), DAY, imposed="old").template == "old"
    for named in ({"imposed": "gone"}, {"asked": "gone"}):
        with pytest.raises(TemplateUnknown):
            templates.resolve(brand(), DAY, **named)
    with pytest.raises(TemplateUnknown):
        templates.resolve(brand(template="gone"), DAY)


@pytest.mark.django_db
def test_the_senders_header_names_it_and_the_message_keeps_its_name() -> None:
    reader = reader_of(seal(mail("Hello", "Text", headers=[("X-Letterlock-Protect", "v=1; template=do-not-forward")])))
    assert reader.message.template == "do-not-forward"
    assert Rights.decode(bytes(reader.message.rights)) == templates.BUILT_IN["do-not-forward"].rights


@pytest.mark.django_db
def test_a_template_is_for_the_members_of_a_group_and_where_nobody_can_be_asked_for_nobody() -> None:
    row = made("board", "reply", scope=["group:board"])
    assert templates.may_choose(row, MAYA, lambda _: {"board", "all-staff"})
    assert not templates.may_choose(row, MAYA, lambda _: {"all-staff"})
    assert not templates.may_choose(row, MAYA)
    asks = mail("Hello", "Text", headers=[("X-Letterlock-Protect", "v=1; template=board")])
    assert put(asks).state == "held"
    group = Group.objects.create(slug="board", name="Board", source="csv")
    Membership.objects.create(group=group, domain=MAYA.partition("@")[2])
    assert seal(asks).template == "board"


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["nothing-such", "board", "old"])
def test_a_mail_that_names_a_template_its_sender_cannot_use_is_not_sent_and_told_which_they_can(slug: str) -> None:
    made("board", "reply", scope=["board.example"])
    made("old", "reply", state="archived")
    row = put(mail("Hello", "Text", headers=[("X-Letterlock-Protect", f"v=1; template={slug}")]))
    assert row.state == row.State.HELD
    assert "Yours: encrypt, do-not-forward, view-only." in row.last_error
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_brand_whose_template_is_gone_sends_nothing_with_less() -> None:
    default_brand()
    Brand.objects.update(template="gone")
    row = put(mail())
    assert row.state == row.State.HELD
    assert "rights template that there is not" in row.last_error
    Brand.objects.update(template="view-only")
    reader = reader_of(seal(mail()))
    assert reader.message.template == "view-only"
    assert not Rights.decode(bytes(reader.message.rights)).reply


def test_there_are_the_fourteen_usage_rights_and_each_is_ours_or_says_why_not() -> None:
    assert len(CODES) == len(set(CODES)) == 14
    assert {usage_.ours for usage_ in usage.ORDER if usage_.ours} == set(GRANTS)
    assert all(usage_.here.endswith(".") for usage_ in usage.ORDER)


@pytest.mark.parametrize(
    ("words", "granted"),
    [
        ("viewer", {"reply", "reply_all"}),
        ("Restricted Editor", {"reply", "reply_all", "forward"}),
        ("editor", {"reply", "reply_all", "forward", "copy", "print"}),
        ("owner", set(GRANTS)),
        ("Encrypt-Only", set(GRANTS) - {"download"}),
        ("do-not-forward", {"reply", "reply_all"}),
        ("view, print", {"print"}),
    ],
)
def test_levels_and_sets_are_ours_by_their_usage_rights(words: str, granted: set[str]) -> None:
    assert {name for name in GRANTS if getattr(usage.named(words), name)} == granted


def test_usage_rights_that_are_none_or_that_nobody_could_read_by_are_refused() -> None:
    for words in ("VIEW,SCREENSHOT", "PRINT", ""):
        with pytest.raises(UnknownUsage):
            usage.named(words)
    assert set(usage.codes_of(Rights())) == {
        "VIEW",
        "VIEWRIGHTSDATA",
        "PRINT",
        "EXPORT",
        "EXTRACT",
        "REPLY",
        "REPLYALL",
    }
    assert {len(LEVELS), len(SETS)} == {4, 2}


@pytest.mark.django_db
def test_a_brand_of_0_days_closes_nothing_but_what_its_sender_or_a_template_does() -> None:
    made("timed", "reply", closes="days", open_days=7)
    made("as-usual", "reply", closes="brand")
    open_brand = Brand(slug="alder", open_days=0)
    assert templates.resolve(open_brand, DAY).last_day is None
    assert templates.resolve(open_brand, DAY, asked="as-usual").last_day is None
    assert templates.resolve(open_brand, DAY, asked="timed").last_day == DAY + timedelta(days=7)
    assert templates.resolve(open_brand, DAY, until=USUAL, names_day=True).last_day == USUAL
