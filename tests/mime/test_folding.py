"""The history below an answer is folded away, and of a very long body the first part is shown, both well nested."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.cleaning import clean
from portal.mime.folding import first_part, fold_history
from tests.mime.markup import faults

OLD = "<p>older text</p>" * 40
HISTORIES = {
    "Gmail": f'<div dir="ltr">New</div><br><div class="gmail_quote gmail_quote_container">{OLD}</div>',
    "Thunderbird": f'<p>New</p><div class="moz-cite-prefix">wrote:</div><blockquote type="cite">{OLD}</blockquote>',
    "Apple Mail": f'<div>New<div><br><blockquote type="cite"><div>{OLD}</div></blockquote></div><br></div>',
    "Outlook on the web": f'<div><p>New</p><hr><div id="divRplyFwdMsg" dir="ltr">From: x</div><div>{OLD}</div></div>',
}


def folded(html: str) -> str:
    return fold_history(clean(html, {}).html, "Show <quoted> text")


@pytest.mark.parametrize("html", HISTORIES.values(), ids=list(HISTORIES))
def test_the_history_of_the_usual_programs_is_folded(html: str) -> None:
    shown = folded(html)
    above, _, below = shown.partition("<details><summary>Show &lt;quoted&gt; text</summary>")
    assert "New" in above
    assert "older" not in above
    assert below.count("older") == 40
    assert "older" not in below.partition("</details>")[2]
    # Well nested: parsed and written again, it is the same.
    assert clean(shown, {}).html == shown
    assert faults(shown) == []


@pytest.mark.parametrize(
    "html",
    [
        f'<div class="gmail_quote">{OLD}</div>',  # nothing above: a forwarded message
        f'<p>a</p><blockquote type="cite">{OLD}</blockquote><p>answer below</p>',
        f'<p>a</p><blockquote type="cite">{OLD}</blockquote>b<blockquote type="cite">{OLD}</blockquote>c',
        f"<p>a</p><blockquote>{OLD}</blockquote>",  # a quotation, not a history
        '<p>a</p><blockquote type="cite">short</blockquote>',
    ],
)
def test_anything_else_is_left_as_it_is(html: str) -> None:
    assert folded(html) == clean(html, {}).html


def test_a_mark_can_hold_nothing_else() -> None:
    html = clean(
        '<div id="x" class="a b">1</div><blockquote type="cite x" class="y">2</blockquote><p class="z">', {}
    ).html
    assert html == '<div>1</div><blockquote type="cite">2</blockquote><p></p>'


def test_the_first_part_ends_between_tags_and_closes_them() -> None:
    html = clean("<table><tr><td><b>" + "<p>a &amp; b</p>" * 100 + "</b></td></tr></table>", {}).html
    part = first_part(html, 400)
    assert 300 < len(part) < 500
    assert clean(part, {}).html == part
    assert first_part(html, len(html)) == html
    assert first_part("<p>" + "a &amp; " * 1000 + "</p>", 100).endswith(" &amp;</p>")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<div class=gmail_quote>", "<blockquote type=cite>", "<div id=divRplyFwdMsg>", "</div>", "</blockquote>",
             "<table><tr><td>", "</table>", "<p>", "<b>", "x" * 300, "&amp; ", "<br>", "<details>", "<summary>"]
        ),
        max_size=25,
    ),
    st.integers(1, 900),
)  # fmt: skip
def test_whatever_is_folded_or_cut_stays_safe_and_well_nested(pieces: list[str], most: int) -> None:
    html = clean("".join(pieces), {}).html
    for shown in (fold_history(html, "Show"), first_part(html, most)):
        assert faults(shown) == []
        assert clean(shown, {}).html == clean(clean(shown, {}).html, {}).html
        assert shown.count("<details") == shown.count("</details>")
