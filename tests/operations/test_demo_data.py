"""The demo's data: only names that belong to nobody, and everything it refers to is there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from portal import configuration
from portal.operations.demo.data import HERE, data, moment, paragraphs
from portal.operations.demo.documents import document
from portal.vault.rights import Rights

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def test_it_holds_only_reserved_names() -> None:
    told = (HERE / "data.json").read_text(encoding="utf-8")
    addresses = re.findall(r"[\w.+-]+@([\w.-]+\w)", told)
    assert len(addresses) > 10
    assert all(host.endswith(".example") for host in addresses)
    hosts = re.findall(r"https?://([\w.-]+)", told + (HERE / "hostile.html").read_text())
    assert all(host.endswith(".example") or host == "www.w3.org" for host in hosts)


def test_every_sender_writes_under_a_brand_from_inside() -> None:
    inside = configuration.read({}).inside_domains
    domains = {domain for brand in data()["brands"] for domain in brand["domains"]}
    assert domains == set(inside)
    for name in data()["senders"]:
        assert data()["people"][name][1].partition("@")[2] in domains


def test_every_message_names_people_documents_and_dates_that_exist() -> None:
    ids = {message["id"] for message in data()["messages"]}
    assert len(ids) == len(data()["messages"])
    for message in data()["messages"]:
        assert message["from"] in data()["senders"]
        assert message["to"] and all(name in data()["people"] for name in message["to"])
        assert moment(message["sent"], NOW) < NOW
        assert message["ask"] in ("tag", "header", "label")
        assert paragraphs(message["text"]).strip()
        assert message.get("answers", message["id"]) in ids
        assert not set(message.get("rights", ())) - {"fwd", "dl", "print"}
        for name, size in message.get("files", ()):
            assert document(name, 100, "x")[1]
            assert size <= 8 * 1024 * 1024


def test_every_brand_grants_rights_that_exist() -> None:
    for brand in data()["brands"]:
        assert not set(brand.get("rights", {})) - set(vars(Rights()))
        assert re.fullmatch(r"#[0-9a-f]{6}", brand["colour"])


def test_it_says_what_is_left_out_and_why() -> None:
    assert all(why for why in json.loads((HERE / "data.json").read_text())["left out"].values())


@pytest.mark.parametrize(
    ("relative", "then"),
    [
        ("-2d 14:48", datetime(2026, 11, 22, 14, 48, tzinfo=UTC)),
        ("+1d", datetime(2026, 11, 25, 15, 30, tzinfo=UTC)),
        ("-3h", datetime(2026, 11, 24, 12, 30, tzinfo=UTC)),
        ("-20m", datetime(2026, 11, 24, 15, 10, tzinfo=UTC)),
    ],
)
def test_it_reads_a_moment_relative_to_now(relative: str, then: datetime) -> None:
    assert moment(relative, NOW) == then


@pytest.mark.parametrize("relative", ["", "yesterday", "2d", "-2d 14", "-2w"])
def test_it_refuses_what_is_no_moment(relative: str) -> None:
    with pytest.raises(ValueError, match="moment"):
        moment(relative, NOW)
