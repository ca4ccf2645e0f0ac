"""Every function that a room hands in by name is there; else a wrong name would be met when the first mail is sent."""

from __future__ import annotations

from django.utils.module_loading import import_string

from portal import later


def test_each_function_that_is_named_at_start_is_found() -> None:
    assert later.named
    assert all(callable(import_string(name)) for name in later.named)
