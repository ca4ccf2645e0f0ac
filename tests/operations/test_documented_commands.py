"""The commands in README and docs/ against the program: every one is there, with every option that is named with it."""

from __future__ import annotations

import argparse
import re
from functools import cache

import pytest
from django.core.management import get_commands, load_command_class

from tests.servers import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "deploy" / "compose" / "secrets.sh"])
COMMAND = re.compile(r"manage\.py ([a-z_]+)((?:[ \t]+[^\s`|;&]+)*)")


@cache
def parser_of(name: str) -> argparse.ArgumentParser:
    app = get_commands()[name]
    assert isinstance(app, str)
    return load_command_class(app, name).create_parser("manage.py", name)


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next((dict(one.choices) for one in parser._actions if isinstance(one, argparse._SubParsersAction)), {})


def unknown_in(text: str) -> list[str]:
    """Commands and options that a page names and the program lacks."""
    found = []
    for name, behind in COMMAND.findall(text.replace("\\\n", " ")):
        if name not in get_commands():
            found.append(name)
            continue
        parser, words = parser_of(name), behind.split()
        there = set(parser._option_string_actions)
        while words and (verb := verbs_of(parser).get(words[0].strip(".,:)"))):
            parser, words = verb, words[1:]
            there |= set(parser._option_string_actions)
        found += [f"{name} {word}" for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in there]
    return found


def test_every_command_that_is_documented_is_there_with_its_options() -> None:
    assert {str(page.relative_to(ROOT)): unknown for page in PAGES if (unknown := unknown_in(page.read_text()))} == {}


@pytest.mark.parametrize(
    "wrong", ["manage.py key backup F", "manage.py keys backup F --from X", "manage.py held --yes"]
)
def test_a_command_that_is_not_there_is_found(wrong: str) -> None:
    assert unknown_in(f"Type `{wrong}`.")
