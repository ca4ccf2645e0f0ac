"""Plain text becomes HTML that is safe to show, and HTML becomes text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.plain import from_html, to_html, unflowed
from tests.mime.markup import faults


def test_text_is_escaped_and_keeps_its_lines_and_spaces() -> None:
    assert to_html("a <b>\n & 'c'") == '<p dir="auto">a &lt;b&gt;<br> &amp; &#x27;c&#x27;</p>'
    assert to_html("a  b") == '<p dir="auto">a \u00a0b</p>'


def test_each_paragraph_has_its_own_direction() -> None:
    assert to_html("one\ntwo\n\n\nשלום") == '<p dir="auto">one<br>two</p>\n<p dir="auto">שלום</p>'
    assert to_html("") == ""


@pytest.mark.parametrize(
    ("text", "target", "after"),
    [
        ("see https://x.example/a?b=1&c=2.", "https://x.example/a?b=1&amp;c=2", "."),
        ("(https://x.example/a_(b))", "https://x.example/a_(b)", ")"),
        ("www.x.example, then", "https://www.x.example", ", then"),
        ("mailto:a@b.example!", "mailto:a@b.example", "!"),
        ("<https://x.example/>", "https://x.example/", "&gt;"),
        ("見て https://x.example/a。", "https://x.example/a", "。"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a", ""),
    ],
)
def test_links_are_made_without_the_punctuation_around_them(text: str, target: str, after: str) -> None:
    html = to_html(text)
    assert f'<a dir="ltr" href="{target}" target="_blank" rel="noopener noreferrer nofollow">' in html
    assert html.endswith(f"</a>{after}</p>")


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1) data:text/html,x file:///etc", "https://", "http://)", "mailto:", "www.", "www.a", "x:y"],
)
def test_what_is_no_address_of_the_web_or_mail_stays_text(text: str) -> None:
    assert "<a" not in to_html(text)


def test_three_quoted_lines_are_folded_and_two_are_not() -> None:
    folded = to_html("hello\n> a\n> b\n> c\nbye", "Show quoted text")
    assert folded == (
        '<p dir="auto">hello</p>\n<details><summary><span>Show quoted text</span></summary>\n'
        '<blockquote><p dir="auto">a<br>b<br>c</p></blockquote></details>\n<p dir="auto">bye</p>'
    )
    assert "<details" not in to_html("hello\n> a\n> b\nbye", "Show")
    assert "<details" not in to_html("hello\n> a\n> b\n> c\nbye")  # in a mail that goes out, nothing is folded
    assert "<span>Zitat</span>" in to_html("> a\n> b\n> c", summary="Zitat")


def test_quotes_within_quotes_keep_their_depth() -> None:
    quoted = to_html("> > old\n>> old too\n> newer", "Show")
    assert '<blockquote><blockquote><p dir="auto">old<br>old too</p></blockquote><p dir' in quoted
    assert quoted.count("<blockquote>") == quoted.count("</blockquote>") == 2
    assert to_html(">" * 5000 + " deep").count("<blockquote>") < 20
    assert "<blockquote" not in to_html(">From here on it is no quote")


@pytest.mark.parametrize(
    "head",
    ["-----Original Message-----", "----- Ursprüngliche Nachricht -----", "_" * 32 + "\nFrom: a\nSent: today\nTo: b"],
)
def test_the_message_below_an_answer_is_folded(head: str) -> None:
    html = to_html(f"Yes.\n\n{head}\nold", "Show")
    assert html.startswith('<p dir="auto">Yes.</p><details>')
    assert html.endswith("old</p></details>")
    assert "<details" not in to_html(f"{head}\nold", "Show")  # a forwarded message alone is what is to be read
    assert "<details" not in to_html("above\n" + "_" * 40 + "\nbelow", "Show")


def test_a_signature_is_marked() -> None:
    assert to_html("hi\n-- \nme\nhere") == (
        '<p dir="auto">hi</p>\n<div class="signature"><p dir="auto">-- <br>me<br>here</p></div>'
    )
    assert "signature" not in to_html("hi\n--- \nme")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>&\"'> \nhtps:/w.a()\u202e", max_size=80))
def test_any_text_becomes_safe_html(text: str) -> None:
    assert faults(to_html(text, text)) == []


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
    assert unflowed(" From me\n > no quote\n> > a \n> > b", False) == "From me\n> no quote\n> > a > b"
