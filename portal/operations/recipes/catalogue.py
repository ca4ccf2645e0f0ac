"""The recipes: which files each has, and where a person puts them. Their texts lie in the folders beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.operations.recipes.filling import fill, places
from portal.operations.recipes.values import Filled

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Block:
    """One file of a recipe, and what to do with it."""

    file: str
    says: str


@dataclass(frozen=True)
class Recipe:
    """A mail server's recipe. `blocks` are in the order of the steps, the way back last."""

    name: str
    server: str
    blocks: tuple[Block, ...]

    @property
    def page(self) -> str:
        """Where it is explained, from the repository's root."""
        return f"docs/mail-servers/{self.name}.md"

    def text(self, block: Block) -> str:
        return (_HERE / self.name / block.file).read_text()

    def wanted(self) -> tuple[str, ...]:
        """Names of all values that its blocks have places for."""
        return places("".join(self.text(block) for block in self.blocks))

    def filled(self, values: Mapping[str, Filled]) -> dict[str, str]:
        """Every file's text by its name."""
        return {block.file: fill(block.file, self.text(block), values) for block in self.blocks}


_SETTINGS = Block("letterlock.env", "Letterlock's settings")
_CONNECTOR = Block("connector.sh", "run it where Letterlock runs: who may hand in mail")
_APPLY = Block("apply.ps1", "run it in PowerShell, once")
_UNDO = Block("undo.ps1", "takes everything out again")

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "postfix",
            "Postfix",
            (
                _SETTINGS,
                Block("letterlock_checks", "put it at /etc/postfix/letterlock_checks"),
                Block("master.cf", "add it to /etc/postfix/master.cf"),
                Block("main.cf", "add it to /etc/postfix/main.cf"),
                Block("bounces.cf", "add it to /etc/postfix/main.cf, to what stands there already"),
                Block("own-mail-only.sh", "instead of main.cf, where this Postfix also takes mail from the world"),
                Block("undo.sh", "takes everything out again"),
            ),
        ),
        Recipe(
            "exim",
            "Exim",
            (
                _SETTINGS,
                Block("main", "add it to the first part of the configuration"),
                Block("acl", "first in acl_check_rcpt"),
                Block("routers", "first behind “begin routers”"),
                Block("transports", "behind “begin transports”"),
                Block("undo.sh", "takes everything out again, where the blocks lie in Debian's conf.d"),
            ),
        ),
        Recipe(
            "exchange-online",
            "Exchange Online",
            (
                _SETTINGS,
                _CONNECTOR,
                _APPLY,
                Block("renew.ps1", "gives the rules a new value of the customer header"),
                _UNDO,
            ),
        ),
        Recipe("exchange-server", "Exchange Server", (_SETTINGS, _CONNECTOR, _APPLY, _UNDO)),
        Recipe(
            "google-workspace",
            "Google Workspace",
            (
                _SETTINGS,
                _CONNECTOR,
                Block("hosts.txt", "fields under Hosts"),
                Block("compliance.txt", "fields under Compliance, Content compliance"),
                Block("relay.txt", "fields under Routing, SMTP relay service"),
                Block("undo.txt", "takes everything out again"),
            ),
        ),
    )
}
