"""What a mail that came back says: a delivery report (RFC 3464), a bounce in free words, or an answer by a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.delivery.models import Outbound
from portal.mime.errors import LimitExceeded
from portal.mime.fields import header_end, raw_fields
from portal.mime.structure import Node, tree

N = Outbound.News
MOST_BYTES = 1024 * 1024
"""A report stands in front of what it returns; the rest of a larger one is not looked at."""
_ACTIONS = (N.FAILED, N.DELAYED, N.DELIVERED, N.RELAYED, N.EXPANDED)
"""The gravest first: one recipient may have become several."""
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_IN_WORDS = re.compile(rb"(?<![\d.])5\d\d[ \-#(]{1,3}(5\.\d{1,3}\.\d{1,3})(?![\d.])")
_MACHINE = re.compile(r"(?:^|<)(?:mailer-daemon|postmaster|mail delivery)", re.IGNORECASE)
_SEEN_OF_WORDS = 64 * 1024


@dataclass(frozen=True)
class Said:
    """`news` is one of Outbound.News, or "" for anything but news of a delivery; `status` as in RFC 3463."""

    news: str = ""
    status: str = ""


def read(raw: bytes, envelope_sender: str) -> Said:
    """Read a mail that came to a bounce address. Never raises: what is not understood is no news."""
    part = raw[:MOST_BYTES]
    fields = {name.lower(): value.strip() for name, value in reversed(raw_fields(part[: header_end(part)[0]]))}
    try:
        nodes = list(_leaves(tree(part)))
    except (LimitExceeded, ValueError, RecursionError):
        nodes = []
    for node in nodes:
        if node.content_type in ("message/delivery-status", "message/global-delivery-status"):
            return _report(node.data or b"")
    if _is_answer(fields) or envelope_sender or not _MACHINE.search(fields.get("from", "")):
        return Said()
    return _in_words(nodes)


def _leaves(node: Node) -> list[Node]:
    if node.data is not None:
        return [node]
    return [leaf for child in node.children for leaf in _leaves(child)]


def _report(status: bytes) -> Said:
    """The gravest of a report's recipients; the first block speaks of the mail as a whole."""
    found: dict[str, str] = {}
    for block in re.split(rb"(?:\r?\n){2,}", status.strip()):
        fields = {name.lower(): value.strip() for name, value in raw_fields(block + b"\n")}
        action = fields.get("action", "").partition("(")[0].strip().lower()
        code = _STATUS.search(fields.get("status", ""))
        if action in _ACTIONS:
            found.setdefault(action, code.group() if code else "")
    for action in _ACTIONS:
        if action in found:
            return Said(action, found[action] or {"failed": "5.0.0", "delayed": "4.0.0"}.get(action, "2.0.0"))
    return Said()


def _is_answer(fields: dict[str, str]) -> bool:
    """An answer by a machine to what it was sent, like a holiday reply (RFC 3834 section 5), and what others write."""
    return (
        fields.get("auto-submitted", "").lower().startswith("auto-replied")
        or "x-autoreply" in fields
        or "x-autorespond" in fields
        or fields.get("precedence", "").lower() == "auto_reply"
    )


def _in_words(nodes: list[Node]) -> Said:
    """A bounce without a report, only when a mail system wrote it and it quotes a refusal with both of its codes."""
    for node in nodes:
        if node.content_type == "text/plain" and (match := _IN_WORDS.search((node.data or b"")[:_SEEN_OF_WORDS])):
            return Said(N.FAILED, match.group(1).decode())
    return Said()
