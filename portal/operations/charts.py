"""Charts as SVG that a template draws: shapes alone, for words and numbers stand beside them as text and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WIDTH, HEIGHT = 600, 160
"""Of the drawing, whatever size it is shown at: both sides are stretched."""
GAP = 0.25
"""Of a column's place, that is left free."""


@dataclass(frozen=True)
class Bar:
    """One part of a column, in the drawing's units; `series` is its number, from 1."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True)
class Chart:
    """Columns side by side. `rows` is the table that says the same."""

    name: str
    """Its part of ids on the page."""
    title: str
    says: str
    """What it shows, in a sentence."""
    bars: tuple[Bar, ...]
    most: int
    """The number that its full height stands for."""
    first: object
    last: object
    """What stands below its ends."""
    legend: tuple[str, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True)
class Step:
    """One row of a list with bars: a word, its number, and how long its bar is, of 100."""

    label: str
    number: int
    percent: int


def columns(
    name: str,
    title: str,
    says: str,
    labels: Sequence[object],
    series: Sequence[tuple[str, Sequence[int]]],
    *,
    head: str,
) -> Chart:
    """A column for each label, its series upon each other, the first at the bottom; `head` names the labels."""
    totals = [sum(numbers) for numbers in zip(*(values for _, values in series), strict=True)]
    most = nice(max(totals, default=0))
    place = WIDTH / max(1, len(labels))
    bars = []
    for column in range(len(labels)):
        top = float(HEIGHT)
        for number, (_name, values) in enumerate(series, 1):
            height = HEIGHT * values[column] / most
            top -= height
            if height:
                x, width = column * place + place * GAP / 2, place * (1 - GAP)
                bars.append(Bar(round(x, 2), round(top, 2), round(width, 2), round(height, 2), number))
    rows = tuple((label, *(values[place_] for _, values in series)) for place_, label in enumerate(labels))
    ends = (labels[0], labels[-1]) if labels else ("", "")
    names = tuple(name_ for name_, _ in series)
    return Chart(name, title, says, tuple(bars), most, *ends, names if len(names) > 1 else (), (head, *names), rows)


def steps(rows: Sequence[tuple[str, int]]) -> list[Step]:
    """Each with its bar, the longest of them whole."""
    most = max((number for _, number in rows), default=0) or 1
    return [Step(label, number, round(100 * number / most)) for label, number in rows]


def nice(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 ... that is not below it."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= number:
                return step * factor
        step *= 10


def duration(seconds: float | None) -> str:
    """About how long, in words: "41 minutes". "" for None."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 120:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    if hours < 48:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    days = round(seconds / 86_400)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
