"""`manage.py recipe SERVER`: how to put this Letterlock behind a mail server, with its own names and ports."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.operations.commands import sentences
from portal.operations.errors import RecipeRefused
from portal.operations.recipes.catalogue import RECIPES, Recipe
from portal.operations.recipes.filling import plain
from portal.operations.recipes.values import PRODUCT_SAYS, VALUES, Filled, gather


class Command(BaseCommand):
    help = "Print the configuration that puts Letterlock behind a mail server, and how to take it out again."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server", choices=sorted(RECIPES))
        parser.add_argument(
            "--set", dest="given", action="append", type=_pair, default=[], metavar="NAME=VALUE", help="another value"
        )
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="write each block to a new file there")

    def handle(self, *_: object, server: str, given: list[tuple[str, str]], out: Path | None, **__: Any) -> None:
        recipe = RECIPES[server]
        with sentences():
            values = gather(recipe.wanted(), settings.LETTERLOCK, dict(given))
            files = recipe.filled(values)
            if out is not None:
                write(files, out)
        self.stdout.write("\n".join(_head(recipe, values)))
        for block in recipe.blocks:
            self.stdout.write(f"==> {block.file}: {block.says}")
            self.stdout.write((files[block.file] if out is None else f"{out / block.file}\n") + "\n")


def write(files: dict[str, str], folder: Path) -> None:
    """New files in a folder; none is replaced. Raises RecipeRefused."""
    if there := [name for name in files if (folder / name).exists()]:
        raise RecipeRefused(f"{folder} has {', '.join(there)} already, and nothing is replaced. Name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise RecipeRefused(f"Nothing can be written to {folder} ({error.strerror}). Name another folder.") from None


def _head(recipe: Recipe, values: dict[str, Filled]) -> list[str]:
    lines = [f"Letterlock with {recipe.server}; the steps are in {recipe.page}.", "", "Filled in:"]
    lines += [
        f"  {name} = {plain(value)}    {VALUES[name].means}"
        for name, value in values.items()
        if name not in PRODUCT_SAYS
    ]
    return [*lines, "", "Another value: --set NAME=VALUE. Files instead of text: --out FOLDER.", "\n"]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ArgumentTypeError(f"“{text}” is not NAME=VALUE, like portal=secure.example.org.")
    return name, value
