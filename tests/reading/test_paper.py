"""HTML of a sender in the dark: its text follows the theme and can be read; what chose its own paper keeps it white."""

from __future__ import annotations

import re

import pytest

from branding.palette import DARK, as_ink, contrast
from portal.mime.cleaning import clean
from portal.reading.paper import MOST_COLOURS, for_both_themes


def shown(html: str) -> str | None:
    return for_both_themes(clean(html, {}).html)


def test_html_without_colours_of_its_own_follows_the_theme_unchanged() -> None:
    html = '<div style="font-family:&quot;Segoe UI&quot;,sans-serif">Dear <b>Jonas</b><img alt="" src="inline/1"></div>'
    assert for_both_themes(html) == html


@pytest.mark.parametrize("ink", ["#c00000", "red", "rgb(31, 73, 125)", "#0563C1", "purple", "#808080", "navy"])
def test_coloured_text_has_a_counterpart_that_can_be_read_in_the_dark(ink: str) -> None:
    found = re.search(r"light-dark\((#\w{6}),(#\w{6})\)", shown(f'<span style="color:{ink}">x</span>') or "")
    assert found is not None
    assert contrast(found[2], DARK.surface) >= 4.5
    assert found[2] != DARK.ink, "it still has a colour"


def test_black_is_the_ink_of_the_page_in_the_dark_and_white_behind_it_is_its_paper() -> None:
    html = shown('<div style="color:black;background-color:white"><table bgcolor="FFFFFF"><tr><td>x')
    assert html is not None
    assert f"color:light-dark(#000000,{DARK.ink})" in html
    assert "background" not in html and "bgcolor" not in html


def test_colours_of_old_html_and_of_lines_are_turned_too() -> None:
    html = shown('<font color="800000" size="4">x</font><td style="border-left:1px solid #000">')
    assert html is not None
    assert f"light-dark(#800000,{as_ink('#800000', DARK)})" in html
    assert 'size="4"' in html
    assert f"1px solid light-dark(#000000,{DARK.ink})" in (shown('<p style="border-left:1px solid #000">x') or "")


def test_what_may_change_a_style_stays_as_it_was() -> None:
    assert for_both_themes('<p style="color:red !important">x</p>') == (
        f'<p style="color:red !important;color:light-dark(#ff0000,{as_ink("#ff0000", DARK)}) !important">x</p>'
    )
    assert for_both_themes('<p style="color:inherit;text-align:right">x</p>')
    assert for_both_themes('<p style="color:windowtext">x</p>')


@pytest.mark.parametrize(
    "html",
    [
        '<td bgcolor="#14594f">x', '<p style="background:yellow">x', '<p style="background-color:#eee">x',
        '<p style="background:#fff linear-gradient(red, blue)">x', '<p style="color:#ffffff">hidden',
        '<p style="color:rgba(0,0,0,.5)">x', '<p style="color:hsl(0 50% 50%)">x', '<p style="color:var(--x)">x',
        '<p style="color:#00000080">x', '<font color="no colour">x</font>',
    ],
)  # fmt: skip
def test_what_chose_its_paper_or_cannot_be_turned_is_read_on_white(html: str) -> None:
    assert for_both_themes(html + "</p>") is None


def test_a_mail_of_endless_colours_is_not_turned() -> None:
    html = "".join(f'<p style="color:#0000{n:02x}">x</p>' for n in range(MOST_COLOURS + 1))
    assert for_both_themes(html) is None
    assert for_both_themes(html.partition("</p>")[0] + "</p>") is not None


@pytest.mark.parametrize("more", ["red;position:fixed", "red;background:url(//evil.example/x)", 'red";x="', "#f00;}"])
def test_the_colour_of_old_html_brings_no_style_along(more: str) -> None:
    assert for_both_themes(clean(f"<font color='{more}'>x</font>", {}).html) is None


def test_nothing_that_a_sender_writes_gets_out_of_its_attribute() -> None:
    html = for_both_themes('<p style="font-family:&quot;a&quot;;color:red">&lt;b style="color:red"&gt;</p>')
    assert html is not None
    assert html.count('"') == 2 + 2
    assert '&lt;b style="color:red"&gt;' in html, "text is not a tag"
