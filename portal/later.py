"""Functions of the rooms above, named at start and imported when they are first called.

A room below calls what a room above hands in, in AppConfig.ready(). Every process runs that; the door, which writes no
mail and reads no document, need not load for it what does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

named: list[str] = []
"""All that was named so, for the test that looks for each."""


def later(name: str) -> Callable[..., Any]:
    """The function of this dotted name."""
    named.append(name)

    @cache
    def found() -> Callable[..., Any]:
        function: Callable[..., Any] = import_string(name)
        return function

    return lambda *given, **options: found()(*given, **options)
