"""A part of the settings page, as the modules that bring one hand it over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """Its template, and the one name under which the template finds its own context."""

    template: str
    name: str
    context: object
