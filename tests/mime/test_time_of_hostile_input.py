"""What a sender repeats a hundred thousand times costs time in proportion, not by its square, and means the same."""

import time
from collections.abc import Callable

import nh3
import pytest

from portal.mime.addresses import parse_list
from portal.mime.cleaning import clean
from portal.mime.fields import lenient_base64, parameters
from portal.mime.folding import first_part, fold_history
from portal.mime.names import safe_file_name
from portal.mime.nesting import Flattened
from portal.mime.plain import to_html, unflowed
from portal.mime.styles import clean_style

HOSTILE: dict[str, Callable[[], object]] = {
    "semicolons in a Content-Type": lambda: parameters("text/plain" + ";" * 250_000),
    "colons behind an address": lambda: parse_list("a@b.example" + ":" * 250_000),
    "one flowed paragraph": lambda: unflowed("a \n" * 1_000_000),
    "padding in every second letter": lambda: lenient_base64(b"=A" * 2_500_000),
    "accents on one letter of a file name": lambda: safe_file_name("a" + "\u0301\u0316" * 120_000 + ".pdf", "x/y"),
    "spaces behind url(": lambda: clean_style("color:url(" + " " * 3900),
    "spaces in many styles": lambda: clean("".join(f'<p style="color:a{" " * 3800}b{n}">' for n in range(500)), {}),
    "spaces behind http-equiv": lambda: clean("<meta http-equiv=" + " " * 1_000_000 + "x", {}),
    "ampersands": lambda: clean("&" * 2_000_000, {}),
    "no-break spaces by name": lambda: clean("&nbsp;" * 400_000, {}),
    "lines that end with a stroke": lambda: to_html("-" * 500_000 + "\n" + "_\n> \n" * 30_000, "Show"),
    "quotes of every depth": lambda: to_html("\n".join(">" * (depth % 200) + " a" for depth in range(20_000)), "Show"),
    "marks of quoted history": lambda: fold_history('a<div class="gmail_quote">b</div>' * 50_000, "Show"),
    "tags before the cut": lambda: first_part("<p>" * 300_000, 800_000),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
def test_it_ends_soon(hostile: Callable[[], object]) -> None:
    start = time.process_time()
    hostile()
    assert time.process_time() - start < 5  # each took from 20 s to hours


def test_a_long_text_is_cut_for_the_parser_and_whole_again_in_the_end() -> None:
    text = "&amp;&copy&nbsp;\xa0 &notit; &#38;x&" * 2000
    flattened = Flattened(f"<p>{text}</p>", {"p"}, {"*": ()}).html
    assert "<!---->" in flattened
    assert nh3.clean(flattened) == nh3.clean(f"<p>{text}</p>")


def test_parameters_are_found_behind_empty_and_broken_ones() -> None:
    assert parameters('text/plain;;; ; "x; a=1;b ;c = "2;3";; d=4') == ("text/plain", {"a": "1", "c": "2;3", "d": "4"})


def test_a_paragraph_that_flows_is_joined_and_keeps_its_depth() -> None:
    assert unflowed("> a \n> b\nc \nd") == "> a b\nc d"
    assert unflowed("> a \n> b\nc \nd", delete_space=True) == "> ab\ncd"


def test_an_address_before_a_colon_is_no_name_of_a_group() -> None:
    assert [box.address for box in parse_list("team: a@b.example, c@d.example;")] == ["a@b.example", "c@d.example"]


def test_a_very_long_file_name_keeps_its_ending() -> None:
    assert safe_file_name("a" * 5000 + ".pdf", "application/pdf").endswith("a.pdf")


def test_important_and_urls_are_still_seen_in_styles() -> None:
    assert clean_style("color : red  ! important") == ("color:red !important", False)
    assert clean_style("background: url( 'https://x.example/a b' ) red; color: blue") == (
        "background:red;color:blue",
        True,
    )
