"""The PowerShell of the recipes, read by a PowerShell grammar: it parses, names what Microsoft documents, and quotes.

PowerShell itself is not run here, and neither is Exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from hypothesis import example, given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from portal.operations.recipes.catalogue import RECIPES
from portal.operations.recipes.filling import fill, powershell
from portal.operations.recipes.values import examples, title

SCRIPTS = [(server, file) for server in ("exchange-online", "exchange-server") for file in ("apply.ps1", "undo.ps1")]
SCRIPTS_WITHOUT_PLACES = [("exchange-online", "renew.ps1")]
_PARSER = Parser(Language(tree_sitter_powershell.language()))
_QUOTES = "'‘’‚‛"
DOCUMENTED = {
    "New-OutboundConnector": "Name ConnectorType IsTransportRuleScoped UseMXRecord SmartHosts TlsSettings TlsDomain",
    "Get-OutboundConnector": "IsTransportRuleScoped",
    "Remove-OutboundConnector": "Confirm",
    "New-InboundConnector": "Name ConnectorType SenderDomains SenderIPAddresses",
    "Get-InboundConnector": "",
    "Remove-InboundConnector": "Confirm",
    "New-TransportRule": "Name Priority HeaderMatchesMessageHeader HeaderMatchesPatterns HeaderContainsMessageHeader "
    "HeaderContainsWords SubjectMatchesPatterns ExceptIfSenderIpRanges RemoveHeader RuleErrorAction",
    "Get-TransportRule": "",
    "Set-TransportRule": "SetHeaderName SetHeaderValue",
    "Remove-TransportRule": "Confirm",
    "New-SendConnector": "Name Usage AddressSpaces Enabled SourceTransportServers DNSRoutingEnabled SmartHosts Port "
    "RequireTLS TlsAuthLevel TlsDomain SmartHostAuthMechanism AuthenticationCredential",
    "Get-SendConnector": "Identity",
    "Set-SendConnector": "Identity Enabled",
    "Remove-SendConnector": "Confirm",
    "Get-Credential": "UserName Message",
    "Where-Object": "",
}
"""Parameters by command, from Microsoft's reference, as far as the recipes use them."""
IN_THE_TABLE = (
    "FromScope RouteMessageOutboundConnector SetHeaderName SetHeaderValue ExceptIfHeaderContainsMessageHeader "
    "ExceptIfHeaderContainsWords RuleErrorAction"
)
"""What every rule of ours takes by splatting."""
HOSTILE = [
    "It's",
    "'; Remove-Mailbox -Identity * #",
    "’; Remove-Mailbox; ‘",
    "$(Remove-Mailbox)",
    "$env:PATH",
    "`n`'",
    '"quoted"',
    "@{a=1}",
    "\\",
    "‚a‛b",
    "''",
    "{0}",
    "#> x <#",
]


def script(server: str, file: str, **chosen: str) -> str:
    recipe = RECIPES[server]
    (block,) = [block for block in recipe.blocks if block.file == file]
    values = {**examples(recipe.wanted()), **{name: title(text) for name, text in chosen.items()}}
    return fill(file, recipe.text(block), values)


def nodes(text: str) -> Iterator[Node]:
    """Every node of the tree, in order; the text must be PowerShell without an error."""
    root = _PARSER.parse(text.encode()).root_node
    assert not root.has_error, text
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def read_literal(text: str) -> tuple[str, str]:
    """What a single-quoted literal says, and what stands behind it, by PowerShell's rules (about_Quoting_Rules)."""
    assert text[0] in _QUOTES
    said, place = "", 1
    while place < len(text):
        if text[place] in _QUOTES:
            if place + 1 == len(text) or text[place + 1] not in _QUOTES:
                return said, text[place + 1 :]
            place += 1
        said += text[place]
        place += 1
    raise AssertionError("the literal does not end")


@pytest.mark.parametrize(("server", "file"), [*SCRIPTS, *SCRIPTS_WITHOUT_PLACES])
def test_it_parses_and_uses_what_is_documented(server: str, file: str) -> None:
    used = []
    for node in nodes(script(server, file)):
        if node.type != "command":
            continue
        words = node.text.decode() if node.text else ""
        name = words.split()[0]
        used.append(name)
        assert name in DOCUMENTED, words
        for child in nodes(words):
            if child.type == "command_parameter" and child.text and child.text.startswith(b"-"):
                parameter = child.text.decode().strip("-:")
                owner = owner_of(child)
                assert parameter in DOCUMENTED[owner].split() or parameter == "eq", f"{owner} {parameter}"
    assert used


def test_what_all_rules_share_is_documented() -> None:
    keys = re.findall(r"^    (\w+) =", script("exchange-online", "apply.ps1"), re.MULTILINE)
    assert keys == IN_THE_TABLE.split()


def owner_of(node: Node) -> str:
    """The command that a parameter belongs to."""
    while node.type != "command":
        assert node.parent
        node = node.parent
    assert node.text
    return node.text.decode().split()[0]


def test_a_script_that_is_cut_or_misspelt_is_noticed() -> None:
    text = script("exchange-online", "apply.ps1")
    for broken in (text.rpartition("'")[0], text.replace("}", "", 1), text.replace("@(", "@((", 1)):
        with pytest.raises(AssertionError):
            list(nodes(broken))


@pytest.mark.parametrize(("server", "file"), SCRIPTS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_value_breaks_out_of_its_quotes(server: str, file: str, hostile: str) -> None:
    """The tree is that of the harmless script, node for node, and the literal says what was given."""
    text = script(server, file, title=hostile)
    assert [node.type for node in nodes(text)] == [node.type for node in nodes(script(server, file))]
    found = re.search(r"= ('.*)$", text.split("Stop'\n", 1)[1], re.MULTILINE)
    assert found
    assert read_literal(found[1])[0] == hostile


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=60))
@example("a'’b")
def test_a_literal_says_what_was_given(text: str) -> None:
    assert read_literal(powershell(text)) == (text, "")


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "a\r", "a\0b", "a\u2028b", "a\u202eb", "x" * 41])
def test_a_name_on_several_lines_or_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="characters on one line"):
        title(bad)


@pytest.mark.parametrize(("server", "file"), SCRIPTS)
def test_undo_names_all_that_apply_makes(server: str, file: str) -> None:
    if file == "undo.ps1":
        made = set(re.findall(r"New-([A-Za-z]+)", script(server, "apply.ps1")))
        assert made == set(re.findall(r"Remove-([A-Za-z]+)", script(server, file)))
