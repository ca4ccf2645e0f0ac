"""Conditions about who writes to whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from portal.rules import overriding
from portal.rules.conditions.checks import Among, Check, Hit
from portal.rules.conditions.kind import Kind, Pools, constant, listed
from portal.rules.fields import HOW_MANY, WHERE_RECIPIENT, WHERE_SENDER, Field
from portal.rules.folding import folded
from portal.rules.limits import LONGEST_NAME
from portal.rules.view import View, family

Given = Mapping[str, Any]
_PLACE = Field("choice", choices=("inside", "outside"))
_SAID = {"envelope": "in the envelope", "header": "in From", "to": "in To", "cc": "in Cc", "to_or_cc": "in To or Cc"}


def _said(given: Given) -> str:
    words = _SAID.get(given["where"], "")
    return f" ({words})" if words and not (given["where"] == "envelope" and "of" in given) else ""


# ------------------------------------------------------------------------------------------------------- sender


def _sender_address(given: Given, pools: Pools) -> Check:
    where = given["where"]
    return Among(f"senders:{where}", given["values"], lambda view: view.senders(where))


def _sender_domain(given: Given, pools: Pools) -> Check:
    where = given["where"]
    return Among(f"sender_domains:{where}", given["values"], lambda view: view.sender_domains(where))


def _sender_words(given: Given, pools: Pools) -> Check:
    part = f"senders:{given['where']}"
    pool, number = pools.words(part, given["values"])
    return Hit(pool, part, number)


def _sender_patterns(given: Given, pools: Pools) -> Check:
    part = f"senders:{given['where']}"
    pool, number = pools.patterns(part, given["values"])
    return Hit(pool, part, number)


def _in_groups(wanted: frozenset[str], pools: Pools, holds: Callable[[View], bool | None]) -> Check:
    """That somebody is in none of these groups is not known while one of them is gone from the directory."""
    pools.groups.update(wanted)
    return lambda view: True if holds(view) else False if view.are_groups(wanted, pools.groups) else None


def _sender_group(given: Given, pools: Pools) -> Check:
    wanted, where = frozenset(given["values"]), given["where"]
    return _in_groups(
        wanted,
        pools,
        lambda view: any(not wanted.isdisjoint(view.groups.get(one, ())) for one in view.senders(where)),
    )


def _sender_is(given: Given, pools: Pools) -> Check:
    where, inside = given["where"], given["place"] == "inside"

    def check(view: View) -> bool | None:
        senders = view.senders(where)
        if not view.inside or not senders:
            return None if not view.inside else not inside
        return any(map(view.is_inside, senders)) is inside

    return check


def _sender_network(given: Given, pools: Pools) -> Check:
    networks = [ipaddress.ip_network(one) for one in given["values"]]

    def check(view: View) -> bool:
        peer = view.peer
        if peer is None:
            return False
        for network in networks:  # noqa: SIM110 (asked for every mail)
            if peer in network:
                return True
        return False

    return check


def _has_attribute(given: Given) -> Callable[[View, str], bool]:
    name, wanted = given["attribute"].lower(), frozenset(map(folded, given["values"]))

    def has(view: View, address: str) -> bool:
        value = view.attributes.get(address, {}).get(name)
        return value is not None and folded(value) in wanted

    return has


def _sender_attribute(given: Given, pools: Pools) -> Check:
    has, where = _has_attribute(given), given["where"]
    return lambda view: any(has(view, one) for one in view.senders(where))


def _sender_overrides(given: Given, pools: Pools) -> Check:
    return lambda view: bool(overriding.asked(view))


# ---------------------------------------------------------------------------------------------------- recipients


def _of_recipients(given: Given, test: Callable[[View, str], bool]) -> Check:
    """Whether a test holds for any recipient, or for every one and at least one."""
    where = given["where"]
    if given["of"] == "any":
        return lambda view: any(test(view, one) for one in view.recipients(where))

    def every(view: View) -> bool:
        recipients = view.recipients(where)
        return bool(recipients) and all(test(view, one) for one in recipients)

    return every


def _recipient_address(given: Given, pools: Pools) -> Check:
    wanted, where = frozenset(given["values"]), given["where"]
    if given["of"] == "any":
        return Among(f"recipients:{where}", wanted, lambda view: view.recipients(where))
    return _of_recipients(given, lambda view, one: one in wanted)


def _recipient_domain(given: Given, pools: Pools) -> Check:
    wanted = frozenset(given["values"])
    if given["of"] == "any" and given["where"] == "envelope":
        return Among("recipient_domains", wanted, lambda view: view.recipient_domains)
    return _of_recipients(given, lambda view, one: not wanted.isdisjoint(family(one.rpartition("@")[2])))


def _recipient_words(given: Given, pools: Pools) -> Check:
    pool, number = pools.words("recipients", given["values"])
    return _of_recipients(given, lambda view, one: number in pool.found(one))


def _recipient_patterns(given: Given, pools: Pools) -> Check:
    pool, number = pools.patterns("recipients", given["values"])
    return _of_recipients(given, lambda view, one: number in pool.found(one))


def _recipient_group(given: Given, pools: Pools) -> Check:
    wanted = frozenset(given["values"])
    holds = _of_recipients(given, lambda view, one: not wanted.isdisjoint(view.groups.get(one, ())))
    return _in_groups(wanted, pools, holds)


def _recipient_is(given: Given, pools: Pools) -> Check:
    inside = given["place"] == "inside"
    asked = _of_recipients(given, lambda view, one: view.is_inside(one) is inside)
    return lambda view: asked(view) if view.inside else None


def _recipient_attribute(given: Given, pools: Pools) -> Check:
    return _of_recipients(given, _has_attribute(given))


def _subject_of(given: Given) -> str:
    return "every recipient" if given["of"] == "every" else "a recipient"


_VALUES = {kind: Field(kind) for kind in ("addresses", "domains", "words", "patterns", "slugs", "networks")}
_SENDER: Mapping[str, tuple[str, str, Callable[[Given, Pools], Check], str]] = {
    "sender_address": ("addresses", "is", _sender_address, ""),
    "sender_domain": ("domains", "is at", _sender_domain, ""),
    "sender_words": ("words", "has in its address the word", _sender_words, ""),
    "sender_patterns": ("patterns", "has an address like the pattern", _sender_patterns, ""),
    "sender_group": ("slugs", "belongs to the group", _sender_group, "directory"),
}
_RECIPIENT: Mapping[str, tuple[str, str, Callable[[Given, Pools], Check], str]] = {
    "recipient_address": ("addresses", "is", _recipient_address, ""),
    "recipient_domain": ("domains", "is at", _recipient_domain, ""),
    "recipient_words": ("words", "has in its address the word", _recipient_words, ""),
    "recipient_patterns": ("patterns", "has an address like the pattern", _recipient_patterns, ""),
    "recipient_group": ("slugs", "belongs to the group", _recipient_group, "directory"),
}
_ATTRIBUTE = {"attribute": Field("line", most=LONGEST_NAME), "values": _VALUES["words"]}


def _sender_kind(name: str) -> Kind:
    kind, verb, build, needs = _SENDER[name]
    fields = {"values": _VALUES[kind], "where": WHERE_SENDER}

    def words(given: Given) -> str:
        return f"the sender{_said(given)} {verb} {listed(given['values'])}"

    return Kind(name, fields, build, words, "sender", int(bool(needs)), constant(needs))


def _recipient_kind(name: str) -> Kind:
    kind, verb, build, needs = _RECIPIENT[name]
    fields = {"values": _VALUES[kind], "where": WHERE_RECIPIENT, "of": HOW_MANY}

    def words(given: Given) -> str:
        return f"{_subject_of(given)}{_said(given)} {verb} {listed(given['values'])}"

    return Kind(name, fields, build, words, "recipient", int(bool(needs)), constant(needs))


KINDS = (
    *map(_sender_kind, _SENDER),
    Kind(
        "sender_is",
        {"place": _PLACE, "where": WHERE_SENDER},
        _sender_is,
        lambda given: f"the sender{_said(given)} is {given['place']}",
        "sender",
    ),
    Kind(
        "sender_network",
        {"values": _VALUES["networks"]},
        _sender_network,
        lambda given: f"it comes from the network {listed(given['values'])}",
        "sender",
    ),
    Kind(
        "sender_attribute",
        {**_ATTRIBUTE, "where": WHERE_SENDER},
        _sender_attribute,
        lambda given: f"the directory says “{given['attribute']}” of the sender is {listed(given['values'])}",
        "sender",
        1,
        constant("directory"),
    ),
    Kind(
        "sender_overrides",
        {},
        _sender_overrides,
        lambda given: "the sender sends it anyway, by [override] before the subject",
        "sender",
    ),
    *map(_recipient_kind, _RECIPIENT),
    Kind(
        "recipient_is",
        {"place": _PLACE, "where": WHERE_RECIPIENT, "of": HOW_MANY},
        _recipient_is,
        lambda given: f"{_subject_of(given)}{_said(given)} is {given['place']}",
        "recipient",
    ),
    Kind(
        "recipient_attribute",
        {**_ATTRIBUTE, "where": WHERE_RECIPIENT, "of": HOW_MANY},
        _recipient_attribute,
        lambda given: f"the directory says “{given['attribute']}” of {_subject_of(given)} is {listed(given['values'])}",
        "recipient",
        1,
        constant("directory"),
    ),
)
