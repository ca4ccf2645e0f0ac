"""Rows of the bench, as an aligned table for people and as plain data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.rounds import Figures

HEADINGS = ("what", "compared with", "ours", "theirs", "ratio", "spread", "target", "met")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound of the ratio, or of our own figure where `absolute`."""

    bound: float
    at_least: bool = True
    absolute: bool = False

    def met(self, ratio: float, ours: float) -> bool:
        value = ours if self.absolute else ratio
        return value >= self.bound if self.at_least else value <= self.bound

    def text(self, unit: str) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {unit if self.absolute else '×'}"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. The figures stand in the order of the rounds, so those of one place were taken side by side."""

    what: str
    against: str
    unit: str
    ours: Figures
    theirs: Figures
    target: Target | None = None

    @property
    def ratios(self) -> Figures:
        """Ours by theirs, round by round."""
        return tuple(mine / other for mine, other in zip(self.ours, self.theirs, strict=True))

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        return self.target.met(median(self.ratios), median(self.ours)) if self.target else None

    def cells(self) -> tuple[str, ...]:
        return (
            self.what,
            self.against,
            f"{_number(median(self.ours))} {self.unit}",
            f"{_number(median(self.theirs))} {self.unit}",
            f"{_number(median(self.ratios))} ×",
            f"{_number(min(self.ratios))} – {_number(max(self.ratios))}" if len(self.ratios) > 1 else "",
            self.target.text(self.unit) if self.target else "",
            {True: "yes", False: "NO", None: ""}[self.met],
        )

    def data(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "compared_with": self.against,
            "unit": self.unit,
            "ours": median(self.ours),
            "theirs": median(self.theirs),
            "ratio": median(self.ratios),
            "target": self.target.text(self.unit) if self.target else None,
            "met": self.met,
            "runs": {"ours": self.ours, "theirs": self.theirs},
        }


def aligned(rows: Sequence[Row]) -> str:
    """The table: words to the left, figures to the right."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= column <= 5 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
