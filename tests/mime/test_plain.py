"""Plain text becomes HTML that is safe to show, and HTML becomes text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.plain import from_html, to_html, unflowed
from tests.mime.markup import faults


def test_text_is_escaped_and_keeps_its_lines_and_spaces() -> None:
    assert to_html("a <b>\n & 'c'") == "a &lt;b&gt;<br>\n &amp; &#x27;c&#x27;"
    assert to_html("a  b") == "a \u00a0b"


@pytest.mark.parametrize(
    ("text", "target", "after"),
    [
        ("see https://x.example/a?b=1&c=2.", "https://x.example/a?b=1&amp;c=2", "."),
        ("(https://x.example/a_(b))", "https://x.example/a_(b)", ")"),
        ("www.x.example, then", "https://www.x.example", ", then"),
        ("mailto:a@b.example!", "mailto:a@b.example", "!"),
    ],
)
def test_links_are_made_without_the_punctuation_around_them(text: str, target: str, after: str) -> None:
    html = to_html(text)
    assert f'<a href="{target}" target="_blank" rel="noopener noreferrer nofollow">' in html
    assert html.endswith("</a>" + after)


def test_other_schemes_stay_text() -> None:
    assert "<a" not in to_html("javascript:alert(1) data:text/html,x file:///etc")


def test_three_quoted_lines_are_folded_and_two_are_not() -> None:
    folded = to_html("hello\n> a\n> b\n> c\nbye")
    assert "<details><summary>Show quoted text</summary>\n&gt; a<br>\n&gt; b<br>\n&gt; c</details>" in folded
    assert "<details" not in to_html("hello\n> a\n> b\nbye")
    assert "<summary>Zitat</summary>" in to_html("> a\n> b\n> c", summary="Zitat")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>&\"'> \nhtps:/w.a()\u202e", max_size=80))
def test_any_text_becomes_safe_html(text: str) -> None:
    assert faults(to_html(text)) == []


def test_html_becomes_text_a_line_for_each_block() -> None:
    html = (
        "<title>t</title><style>p{}</style><p>one<br>two</p>\n<div>a &amp;\n b</div><script>x</script><td>1</td><td>2"
    )
    assert from_html(html) == "one\ntwo\na & b\n1\t2"


@pytest.mark.parametrize("piece", ["<", "<a ", "<a '", '<a "', "<!--", "<title>", "</", "<div>", "&", "<br", "'\"<"])
def test_text_is_made_in_linear_time(piece: str) -> None:
    start = time.thread_time()
    from_html(piece * 200_000)
    assert time.thread_time() - start < 4


def test_flowed_text_keeps_quotes_and_signatures_apart() -> None:
    assert unflowed("a \nb\n>> q \n>> r\n c \n-- \nme", False) == "a b\n>> q r\nc \n-- \nme"
    assert unflowed("a \nb", True) == "ab"
