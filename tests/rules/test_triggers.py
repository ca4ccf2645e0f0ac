"""Tags and the trigger header: what asks for protection, and what the recipient sees of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.triggers import BadTrigger, UnknownTriggerVersion, has_tag, parse_trigger, strip_tag

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("subject", "seen"),
    [
        ("[encrypt] Your results", "Your results"),
        ("Your results [secure]", "Your results"),
        ("Your [PROTECT] results", "Your results"),
        ("Re: [Secure] Your results", "Re: Your results"),
        ("[ secure ] a", "a"),
        ("[\u00a0secure\u3000] a", "a"),
        ("［ＳＥＣＵＲＥ］ a", "a"),
        ("［ secure] a", "a"),
        ("[se\u200bcure] a", "a"),
        ("[\u202esecure\u202c] a", "a"),
        ("[sicher] Unterlagen", "Unterlagen"),
        ("[Säkert] svar", "svar"),
        ("[sa\u0308kert] svar", "svar"),
        ("[sakert] svar", "svar"),
        ("[secure][encrypt] both", "both"),
        ("[secure] [encrypt] both", "both"),
        ("[sec[secure]ure] nested", "nested"),
        ("[secure]", ""),
        ("a [secure]b", "ab"),
        ("two  spaces [secure]  stay", "two  spaces  stay"),
    ],
)
def test_a_tag_is_found_and_taken_out_with_one_space(subject, seen):
    assert has_tag(subject)
    assert strip_tag(subject) == seen


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "secure",
        "(secure)",
        "[secured]",
        "[not secure]",
        "[secure",
        "secure]",
        "[]",
        "[[",
        "[list] encrypt",
        "]secure[",
    ],
)
def test_what_is_no_tag_stays_as_it_is(subject):
    assert not has_tag(subject)
    assert strip_tag(subject) == subject


@given(st.text(alphabet=st.sampled_from("[]［］ secur\u200bESU\u3000\nx"), max_size=60))
def test_no_tag_is_left_after_stripping(subject):
    stripped = strip_tag(subject)
    assert not has_tag(stripped)
    assert (stripped != subject) == has_tag(subject)


def test_a_subject_made_of_tags_within_tags_costs_no_more_than_its_length():
    deep = "[sec" * 20_000 + "[secure]" + "ure]" * 20_000
    assert strip_tag(deep) == ""


def test_every_wish_of_the_header_is_read():
    trigger = parse_trigger(
        'v=1; until=2026-12-17; fwd=0; dl=1; print=1; rcpt=1; note="See \\"page\\" 2; thanks"', TODAY
    )
    assert trigger.until == date(2026, 12, 17)
    assert dict(trigger.rights) == {"forward": False, "download": True, "print": True}
    assert trigger.receipt is True
    assert trigger.note == 'See "page" 2; thanks'
    assert trigger.delivery == ""
    assert [parse_trigger(f"v=1; delivery={way}", TODAY).delivery for way in ("link", "attachment")] == [
        "link",
        "attachment",
    ]


@pytest.mark.parametrize("value", ["v=1", " V = 1 ;", "v=1;;", 'v="1"', "v=1; colour=blue; x-new=2", "colour=blue;v=1"])
def test_unknown_keys_case_and_spaces_do_not_matter(value):
    trigger = parse_trigger(value, TODAY)
    assert (trigger.until, dict(trigger.rights), trigger.receipt, trigger.note) == (None, {}, None, "")


@pytest.mark.parametrize("value", ["", " ", ";", "v=2", "v=", "fwd=1", "v=01", "v=1.0", "until=2026-12-17"])
def test_another_version_or_none_is_refused(value):
    with pytest.raises(UnknownTriggerVersion, match="v=1"):
        parse_trigger(value, TODAY)


@pytest.mark.parametrize(
    "value",
    [
        "v=1; delivery=",
        "v=1; delivery=file",
        "v=1; fwd=yes",
        "v=1; fwd=",
        "v=1; fwd=2",
        "v=1; rcpt=true",
        "v=1; until=17.12.2026",
        "v=1; until=2026-02-30",
        "v=1; until=2026-11-22",
        "v=1; until=2028-11-23",
        "v=1; until=99999-01-01",
        "v=1; fwd=0; fwd=1",
        "v=1; fwd=0; FWD=1",
        'v=1; note="open',
        "v=1; fwd 0",
        "v=1; fwd=0 dl=0",
        "protect",
        'v=1; note="' + "x" * 141 + '"',
        'v=1; note="see https://evil.example/"',
        'v=1; note="see WWW.evil.example"',
        "v=1; level=4",
        "v=1; level=0",
        "v=1; level=two",
        "v=1; level=",
        'v=1; level=1; phrase="the blue canoe"',
        'v=1; phrase="short"',
        'v=1; phrase="          "',
        'v=1; phrase=""',
        'v=1; phrase="' + "xy " * 100 + '"',
        'v=1; level=3; hint="what we rowed in"',
        'v=1; phrase="the blue canoe"; hint="' + "x" * 141 + '"',
        'v=1; phrase="the blue canoe"; hint="see https://evil.example/"',
        "v=1; " + "x" * 5000,
    ],
)
def test_a_wish_that_cannot_be_followed_is_refused_with_a_sentence(value):
    with pytest.raises(BadTrigger) as refused:
        parse_trigger(value, TODAY)
    assert str(refused.value).startswith(("The header X-Letterlock-Protect", "In the header X-Letterlock-Protect"))
    assert "xxxx" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "level"),
    [("v=1", 1), ("v=1; level=1", 1), ("v=1; level=2", 2), ("v=1; LEVEL=3", 3), ('v=1; phrase="the blue canoe"', 3)],
)
def test_the_header_asks_for_a_level_and_a_phrase_alone_for_what_it_proves(value, level):
    assert parse_trigger(value, TODAY).level == level


def test_a_phrase_and_its_hint_are_read_and_never_shown():
    trigger = parse_trigger('v=1; level=2; phrase="the \\"blue\\" canoe"; hint="what we  rowed in"', TODAY)
    assert (trigger.level, trigger.phrase, trigger.hint) == (2, 'the "blue" canoe', "what we rowed in")
    assert "canoe" not in repr(trigger)


def test_a_sender_can_ask_for_no_end():
    asked = parse_trigger("v=1; until=never", TODAY)
    assert (asked.until, asked.never) == (None, True)
    assert not parse_trigger("v=1", TODAY).never


def test_today_and_two_years_ahead_are_both_allowed():
    assert parse_trigger("v=1; until=2026-11-23", TODAY).until == TODAY
    last = TODAY + timedelta(days=730)
    assert parse_trigger(f"v=1; until={last}", TODAY).until == last


def test_a_note_is_one_line_without_hidden_direction_marks():
    assert parse_trigger('v=1; note="a\r\n b\u202e c\u0000d"', TODAY).note == "a b c d"


@given(st.text(max_size=80) | st.text(alphabet='v=1;fwdltprcno"\\ 0', max_size=60).map("v=1;".__add__))
def test_any_value_gives_a_trigger_or_a_refusal(value):
    refusal = ""
    try:
        parse_trigger(value, TODAY)
    except BadTrigger as refused:
        refusal = str(refused)
    assert len(refusal) < 200


@pytest.mark.parametrize("split", ["strict", "escrow", "off"])
def test_a_program_may_say_how_the_key_is_split(split):
    assert parse_trigger(f"v=1; split={split}", TODAY).split == split


def test_a_split_that_is_not_known_is_refused():
    assert parse_trigger("v=1", TODAY).split == ""
    for unknown in ("1", "STRICT", "", "none"):
        with pytest.raises(BadTrigger):
            parse_trigger(f"v=1; split={unknown}", TODAY)
