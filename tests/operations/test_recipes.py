"""The recipes: pages and command say the same, missing values are asked for by name, and no value breaks out."""

from __future__ import annotations

import re
import shlex
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError
from django.test import override_settings

from portal.configuration import read
from portal.operations.errors import RecipeRefused
from portal.operations.management.commands.recipe import Command, write
from portal.operations.recipes.catalogue import RECIPES, Recipe
from portal.operations.recipes.filling import places
from portal.operations.recipes.values import PRODUCT_SAYS, VALUES, examples, gather
from portal.rules.triggers import TAGS, has_tag
from tests.postfix import readme_lines
from tests.servers import ROOT

PUBLIC = {
    "LETTERLOCK_PUBLIC_URL": "https://portal.house.example",
    "LETTERLOCK_RELAY_URL": "smtp://someone:hunter2@127.0.0.1:10099",
    "LETTERLOCK_INSIDE_DOMAINS": "house.example office.example",
    "LETTERLOCK_SMTP": "127.0.0.1:2599",
    "LETTERLOCK_MAX_RECIPIENTS": "77",
}
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


def example(recipe: Recipe) -> dict[str, str]:
    return recipe.filled(examples(recipe.wanted()))


def printed(server: str, *arguments: str) -> str:
    """What the command says in a portal with the settings above."""
    command, said = Command(stdout=StringIO()), StringIO()
    parser = command.create_parser("manage.py", "recipe")
    options = vars(parser.parse_args([server, *arguments]))
    command.stdout._out = said
    with override_settings(LETTERLOCK=read(PUBLIC)):
        command.handle(**{name: options[name] for name in ("server", "given", "out")})
    return said.getvalue()


@every_recipe
def test_the_page_shows_the_blocks_of_the_command(recipe: Recipe) -> None:
    page = (ROOT / recipe.page).read_text()
    shown = [text for language, text in _FENCED.findall(page) if language in ("", "powershell")]
    assert sorted(shown) == sorted(example(recipe).values())
    for part in (
        "## Steps",
        "## Test it",
        "## Undo it",
        "## What goes wrong, and how to see it",
        "manage.py doctor --mail",
    ):
        assert part in page
    assert f"manage.py recipe {recipe.name}" in page


@every_recipe
def test_no_file_lies_there_unused_and_none_has_an_unknown_place(recipe: Recipe) -> None:
    folder = ROOT / "portal" / "operations" / "recipes" / recipe.name
    assert {path.name for path in folder.iterdir()} == {block.file for block in recipe.blocks}
    assert set(recipe.wanted()) <= set(VALUES)
    assert "«" not in "".join(example(recipe).values())
    for block in recipe.blocks:
        comments = [line for line in recipe.text(block).splitlines() if line.lstrip().startswith("#")]
        assert not places("\n".join(comments)), "a comment quotes nothing"


def test_the_readme_shows_the_same_lines_for_postfix() -> None:
    files = example(RECIPES["postfix"])
    assert readme_lines() == (files["main.cf"], files["letterlock_checks"], files["master.cf"])
    assert all(recipe.page in (ROOT / "README.md").read_text() for recipe in RECIPES.values())


def test_postfix_takes_out_a_seal_that_somebody_copied() -> None:
    """What really comes back has a port of its own, where nothing is checked."""
    assert "/^X-Letterlock-Seal:/   IGNORE" in example(RECIPES["postfix"])["letterlock_checks"].splitlines()
    assert "no_header_body_checks" in example(RECIPES["postfix"])["master.cf"]


def test_this_installations_own_values_are_filled_in() -> None:
    said = printed("postfix", "--set", "submission=587")
    assert "FILTER letterlock:[127.0.0.1]:2599" in said
    assert "127.0.0.1:10099 inet n" in said
    assert r"@portal\.house\.example>" in said
    assert "LETTERLOCK_INSIDE_DOMAINS=house.example,office.example" in said
    assert "postconf -P 587/inet/cleanup_service_name=letterlock_cleanup" in said
    assert "hunter2" not in said
    assert "max_rcpt = 77" in printed("exim")
    assert "relay_domains = bounce.house.example" in printed("postfix", "--set", "bounces=bounce.house.example")


@pytest.mark.parametrize("server", ["exchange-online", "exchange-server", "google-workspace"])
def test_what_the_installation_does_not_say_is_asked_for_by_name(server: str) -> None:
    recipe = RECIPES[server]
    with pytest.raises(SystemExit) as refused:
        printed(server)
    sentence = str(refused.value)
    said = {"portal", "certificate", "bounces", "domains", "title"} | PRODUCT_SAYS
    missing = set(recipe.wanted()) - said
    assert missing
    assert {name for name in VALUES if f"--set {name}='" in sentence} == missing
    assert "portal_addresses" in sentence or server == "exchange-server"


def test_a_demo_asks_for_everything_public() -> None:
    with pytest.raises(RecipeRefused, match="--set portal="):
        gather(RECIPES["postfix"].wanted(), read({}), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("portal", "localhost"),
        ("portal", "a.example\nb.example"),
        ("portal", "a.example/x"),
        ("portal", "-a.example"),
        ("portal", "a.example]:25 FILTER x:[b"),
        ("domains", "house.example $(reboot)"),
        ("door", "127.0.0.1"),
        ("door", "127.0.0.1:70000"),
        ("door", "a;b.example:25"),
        ("back", "127.0.0.1:25"),
        ("back", "mail.house.example:587"),
        ("portal_networks", "127.0.0.1/8"),
        ("portal_networks", ","),
        ("submission", "a b"),
        ("submission", "x`reboot`"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(RecipeRefused, match=name):
        gather(RECIPES["postfix"].wanted(), read(PUBLIC), {name: value})


@pytest.mark.parametrize(
    "value", ["smtp://a:secret@out.example.org", "smtp://out.example.org; reboot", "http://a.example"]
)
def test_a_relay_with_a_password_or_worse_is_not_printed(value: str) -> None:
    given = {"exchange_addresses": "192.0.2.10", "send_connector": "Internet", "relay": value}
    with pytest.raises(RecipeRefused, match="relay") as refused:
        gather(RECIPES["exchange-server"].wanted(), read(PUBLIC), given)
    assert "secret" not in str(refused.value)


def test_a_value_that_the_recipe_has_no_place_for_is_refused() -> None:
    with pytest.raises(RecipeRefused, match="no value tenant_host"):
        gather(RECIPES["postfix"].wanted(), read(PUBLIC), {"tenant_host": "a.example"})
    with pytest.raises(RecipeRefused, match="no value tags"):
        gather(RECIPES["postfix"].wanted(), read(PUBLIC), {"tags": ".*"})
    with pytest.raises(CommandError, match="NAME=VALUE"):
        printed("postfix", "--set", "portal")


def test_files_are_written_and_none_is_replaced(tmp_path: Path) -> None:
    printed("postfix", "--out", str(tmp_path / "new" / "folder"))
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {
        block.file for block in RECIPES["postfix"].blocks
    }
    (tmp_path / "undo.sh").write_text("mine")
    with pytest.raises(RecipeRefused, match=r"undo\.sh already"):
        write({"main.cf": "x", "undo.sh": "y"}, tmp_path)
    assert (tmp_path / "undo.sh").read_text() == "mine"
    assert not (tmp_path / "main.cf").exists()


@every_recipe
def test_the_settings_are_ones_that_letterlock_starts_with(recipe: Recipe) -> None:
    lines = example(recipe)["letterlock.env"].splitlines()
    found = read(dict(line.split("=", 1) for line in lines))
    assert found.public_host == "secure.example.org"
    assert found.inside_domains == ("example.org",)
    assert not found.loopback


@every_recipe
def test_the_scripts_are_shell(recipe: Recipe) -> None:
    for block in recipe.blocks:
        if block.file.endswith(".sh"):
            done = subprocess.run(["sh", "-n"], input=example(recipe)[block.file], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@every_recipe
def test_every_command_of_the_page_is_one_that_the_product_has(recipe: Recipe) -> None:
    page = (ROOT / recipe.page).read_text().replace("\\\n", " ")
    blocks = "".join(text for _, text in _FENCED.findall(page))
    lines = [shlex.split(line) for line in blocks.splitlines() if line.startswith("manage.py ")]
    assert len(lines) > 2
    known, absent = get_commands(), set()
    for _, name, *arguments in lines:
        if name not in known:
            absent.add(name)
            continue
        command = known[name]
        found = load_command_class(command, name) if isinstance(command, str) else command
        found.create_parser("manage.py", name).parse_args(arguments)  # raises CommandError
    assert not absent


@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_that_protects_is_handed_over(tag: str) -> None:
    subject = f"Subject: Re: [{tag.title()}] Your results"
    assert has_tag(subject)
    checks = example(RECIPES["postfix"])["letterlock_checks"].splitlines()[0]
    assert re.search(checks.split("/")[1], subject, re.IGNORECASE)
    routers = example(RECIPES["exim"])["routers"]
    assert re.search(re.search(r"h_subject:\}\{\\N(.*?)\\N", routers)[1], subject)  # type: ignore[index]
    compliance = re.search(r"Regexp +(.*)", example(RECIPES["google-workspace"])["compliance.txt"])
    assert compliance
    assert re.search(compliance[1], f"To: a@b.example\r\n{subject}\r\n")
    assert not re.search(compliance[1], "To: a@b.example\r\nSubject: Lunch\r\n\r\n[secure]\r\n")
