"""Content-Security-Policies that differ from every page's own: for what a sender wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from csp.constants import NONE, SELF
from django.http import HttpResponseBase

Policy = Mapping[str, Sequence[str]]

_CLOSED: Policy = {"script-src": [NONE], "connect-src": [NONE], "frame-src": [NONE], "form-action": [NONE]}
BODY: Policy = {
    **_CLOSED,
    # Inline styles that passed the cleaner are all that a body brings; the frame must let the page measure it.
    "style-src": ["'unsafe-inline'"],
    "img-src": [SELF, "data:"],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox"],
}
"""The document of an HTML body: no script, no connection, no form."""
FILE: Policy = {**_CLOSED, "style-src": [NONE], "img-src": [NONE], "sandbox": [""]}
"""A file: should a browser show it after all, it can do nothing."""


def under(policy: Policy, answer: HttpResponseBase) -> HttpResponseBase:
    """The answer, with these directives in place of the usual ones."""
    cast(Any, answer)._csp_replace = {name: list(values) for name, values in policy.items()}
    return answer
