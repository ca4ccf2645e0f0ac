"""A colour as people write it, and what is said of it."""

from __future__ import annotations

import re

import pytest

from branding import colours
from branding.palette import LIGHT, contrast, palette
from tests.branding.test_palette import GRID


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("#14594F", "#14594f"),
        (" 14594f ", "#14594f"),
        ("#abc", "#aabbcc"),
        ("SeaGreen", "#2e8b57"),  # the documentation of OME says #00ff00
        ("rebeccapurple", "#663399"),
        ("grey", "#808080"),
    ],
)
def test_a_colour_is_six_digits_or_a_name(said: str, kept: str) -> None:
    assert colours.read(said) == kept


@pytest.mark.parametrize(
    "said", ["", "#12345", "#1234567", "seagren", "rgb(1,2,3)", "url(x)", "#12345g", "１２３４５６"]
)
def test_what_is_no_colour_is_told_what_is(said: str) -> None:
    with pytest.raises(ValueError, match=r"six hex digits, like #14594F, or a name"):
        colours.read(said)


def test_all_named_colours_of_css_are_known() -> None:
    assert len(colours.NAMES) == 148
    assert all(re.fullmatch(r"#[0-9a-f]{6}", value) for value in colours.NAMES.values())


def test_what_is_kept_and_what_is_adjusted_is_said_in_words() -> None:
    assert colours.explain("#e8a33d")[:2] == [
        "White text on it has 2.1 to 1, and 4.5 is needed: buttons keep it, with a dark label (8.4 to 1).",
        "As text on the page it has 1.9 to 1, and 4.5 is needed: links use #966200 (4.7 to 1).",
    ]
    assert colours.explain("#14594f")[:2] == [
        "Buttons keep it, with a white label (8.1 to 1).",
        "Links keep it (7.4 to 1).",
    ]


def test_no_adjustment_is_left_unsaid_and_no_figure_flatters() -> None:
    for colour in GRID[::7]:
        tones, (button, link, dark) = palette(colour), colours.explain(colour)
        assert ("keep it" in button) == (tones.light.accent == colour)
        assert ("keep it" in link) == (tones.light.accent_ink == colour)
        assert ("stays as it is" in dark) == (tones.dark.accent == tones.dark.accent_ink == colour)
        said = float(re.findall(r"([\d.]+) to 1", link)[-1])
        assert 4.5 <= said <= contrast(tones.light.accent_ink, LIGHT.bg)
