"""Which claims prove an address: sets of claims as Google, Microsoft, Yahoo and a company's provider send them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portal.access.oidc import proofs

PINNED = {"11111111-2222-3333-4444-555555555555": ["contoso.example"]}
RULES = {
    "google": proofs.google,
    "microsoft": lambda claims: proofs.microsoft(claims, PINNED),
    "yahoo": proofs.yahoo,
    "oidc": lambda claims: proofs.generic(claims, ["corp.example"]),
}
SETS = [
    pytest.param(kind, case, id=f"{kind}: {name}")
    for kind in RULES
    for name, case in json.loads((Path(__file__).parent / "claims" / f"{kind}.json").read_text()).items()
]


@pytest.mark.parametrize(("kind", "case"), SETS)
def test_only_what_the_provider_vouches_for_is_proved(kind: str, case: dict[str, Any]) -> None:
    if "proves" in case:
        assert RULES[kind](case["claims"]) == case["proves"]
    else:
        with pytest.raises(proofs.Unproved, match=f"^{case['refused']}$"):
            RULES[kind](case["claims"])


def test_a_provider_of_any_domain_is_one_whose_row_says_so() -> None:
    claims = {"sub": "1", "email": "jonas@mail.example", "email_verified": True}
    assert proofs.generic(claims, [proofs.ANY]) == "jonas@mail.example"
    with pytest.raises(proofs.Unproved):
        proofs.generic(claims, [])
