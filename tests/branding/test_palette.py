"""Whatever colour an organisation has, its pages can be read."""

from __future__ import annotations

import pytest

from branding.palette import DARK, LIGHT, contrast, css, pairs, palette

STEPS = [*range(0, 256, 16), 255]
GRID = [f"#{red:02x}{green:02x}{blue:02x}" for red in STEPS for green in STEPS for blue in STEPS]


def test_no_pair_is_unreadable_for_any_of_4913_colours_in_either_theme() -> None:
    assert len(GRID) == 4913
    faults = [
        (colour, what, got, need)
        for colour in GRID
        for tones, paper in ((palette(colour).light, LIGHT), (palette(colour).dark, DARK))
        for what, got, need in pairs(tones, paper)
        if got < need
    ]
    assert faults == []


@pytest.mark.parametrize("colour", ["#14594f", "#e8a33d", "#1d3f8f", "#8a2f52"])
def test_a_button_keeps_the_brand_colour_where_a_label_can_be_read_on_it(colour: str) -> None:
    assert palette(colour).light.accent == colour


def test_a_light_colour_gets_a_dark_label_and_darker_links() -> None:
    tones = palette("#e8a33d").light
    assert tones.on_accent == "#11151b"
    assert tones.accent_ink == "#966200"


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(other, one) == contrast(one, other)


def test_the_stylesheet_sets_exactly_the_eight_tokens_once_for_each_theme() -> None:
    text = css("#1d3f8f")
    names = ["brand", "accent", "on-accent", "accent-hover", "accent-edge", "accent-ink", "accent-soft", "accent-line"]
    for name in names:
        assert text.count(f"--{name}:") == 2
    assert text.count("--") == 2 * len(names)
    assert text.count("prefers-color-scheme: dark") == 1


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#1234567", "#14594f;}body{display:none", "javascript:1"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="six hex digits"):
        palette(colour)
