"""Conditions about how sender and recipients stand to each other in the directory: managers, and what both have alike.

Of somebody inside of whom the directory does not say it, it cannot be told (decision 24); those outside have no manager
here and nothing alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.rules.conditions.checks import Check
from portal.rules.conditions.kind import Kind, Pools, constant, listed
from portal.rules.fields import Field
from portal.rules.folding import folded
from portal.rules.view import View

Given = Mapping[str, Any]
Pairs = Iterable[tuple[str, str]]
ATTRIBUTES = ("title", "department", "company", "office", "city", "country", "manager")
"""What the directory can say of two people that is worth comparing (portal.directory.sealed has the same names)."""


def _pairs(view: View) -> Pairs:
    """Each who sent it with each whom it goes to."""
    return ((one, other) for one in view.senders("either") for other in view.recipients("envelope"))


def _any(found: Iterable[bool | None]) -> bool | None:
    """Whether one of these holds, in three values."""
    told: bool | None = False
    for one in found:
        if one:
            return True
        if one is None:
            told = None
    return told


def _is_manager(view: View, who: str, of: str) -> bool | None:
    manager = view.manager_of(of)
    return None if manager is None else bool(manager) and manager == who


def _management(given: Given, pools: Pools) -> Check:
    if given["sender_is"] == "manager_of":
        return lambda view: _any(_is_manager(view, sender, to) for sender, to in _pairs(view))
    return lambda view: _any(_is_manager(view, to, sender) for sender, to in _pairs(view))


def _manager_address(given: Given, pools: Pools) -> Check:
    wanted, of_sender = frozenset(given["values"]), given["whose"] == "sender"

    def check(view: View) -> bool | None:
        asked = view.senders("either") if of_sender else view.recipients("envelope")
        managers = map(view.manager_of, asked)
        return _any(None if manager is None else manager in wanted for manager in managers)

    return check


def _compared(given: Given) -> Callable[[View, str, str], bool | None]:
    name, equal = given["attribute"], given["are"] == "equal"

    def compared(view: View, one: str, other: str) -> bool | None:
        if view.inside and not (view.is_inside(one) and view.is_inside(other)):
            return False
        mine, theirs = (folded(view.attributes.get(who, {}).get(name, "")) for who in (one, other))
        return (mine == theirs) is equal if mine and theirs else None

    return compared


def _same_attribute(given: Given, pools: Pools) -> Check:
    compared = _compared(given)
    return lambda view: _any(compared(view, one, other) for one, other in _pairs(view) if one != other)


KINDS = (
    Kind("management", {"sender_is": Field("choice", choices=("manager_of", "report_of"))}, _management,
         lambda given: "the sender is the manager of a recipient" if given["sender_is"] == "manager_of"
         else "a recipient is the manager of the sender", "sender", 1, constant("directory")),
    Kind("manager_address",
         {"values": Field("addresses"),
          "whose": Field("choice", required=False, default="sender", choices=("sender", "recipient"))},
         _manager_address,
         lambda given: f"the manager of {'the sender' if given['whose'] == 'sender' else 'a recipient'} is "
         f"{listed(given['values'])}", "sender", 1, constant("directory")),
    Kind("same_attribute",
         {"attribute": Field("choice", choices=ATTRIBUTES),
          "are": Field("choice", required=False, default="equal", choices=("equal", "not_equal"))},
         _same_attribute,
         lambda given: "the directory says "
         f"{'the same of a recipient as' if given['are'] == 'equal' else 'something else of a recipient than'} "
         f"of the sender ({given['attribute']})", "recipient", 1, constant("directory")),
)  # fmt: skip
