"""The started server is asked what its own document says, and what it does not: valid and invalid values of every
field, parameter and header, missing and wrong tokens, other methods (schemathesis, all checks)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portal.api.scopes import Scope
from tests.servers import Portal

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = "3"
"""Random cases of each route; those that probe each limit of each field come besides."""


@pytest.mark.servers
def test_every_answer_is_as_the_document_says(portal: Portal) -> None:
    scopes = [word for scope in Scope for word in ("--scope", scope.value)]
    token = portal.manage("token", "create", "schemathesis", *scopes).stdout.strip()
    portal.manage("webhook", "add", "erp", "https://erp.example/in")
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            *(program, "--config-file", CONFIGURATION, "run", f"{portal.url}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--max-examples", EXAMPLES, "--seed", "7"),
            *("--continue-on-failure", "--warnings", "off", "--no-color"),
            *("--suppress-health-check", "too_slow"),  # so is a busy machine
        ],
        cwd=portal.data.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    assert "Traceback" not in portal.log("web")
