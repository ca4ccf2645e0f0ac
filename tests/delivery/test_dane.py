"""DANE: what a TLSA record proves of a chain, and everything that it does not."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from portal.delivery.dane import Tlsa, proves
from portal.delivery.tls import names_match
from tests.peers.authority import Authority

HOST = "mx.partner.example"
MATCHES = partial(names_match, names=(HOST, "partner.example"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def leaf(authority):
    return authority.sign(HOST, [HOST], issuer=authority.root)


def check(record, *chain, now=None, matches=MATCHES):
    return proves([record], [one.der for one in chain], matches, now or datetime.now(UTC))


def digest(name, data):
    return data if name is None else hashlib.new(name, data).digest()


@pytest.mark.parametrize(("matching", "name"), [(0, None), (1, "sha256"), (2, "sha512")])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("usage", [2, 3])
def test_every_selector_and_matching_type_proves_the_right_chain_and_no_other(
    authority, leaf, usage, selector, matching, name
):
    meant = leaf if usage == 3 else authority.root
    record = Tlsa(usage, selector, matching, digest(name, meant.spki if selector else meant.der))
    assert check(record, leaf, authority.root)
    other = authority.sign(HOST, [HOST], issuer=None, ca=True)
    assert not check(record, other)
    assert not check(Tlsa(usage, selector, matching, b"\0" + record.data[1:]), leaf, authority.root)


def test_a_record_for_the_server_needs_neither_name_nor_date(authority):
    old = authority.sign("elsewhere.example", ["elsewhere.example"], issuer=None, days=(-9, -1))
    assert check(Tlsa(3, 1, 1, hashlib.sha256(old.spki).digest()), old)


def test_an_authority_needs_name_date_and_an_unbroken_chain(authority, leaf):
    record = Tlsa(2, 0, 1, hashlib.sha256(authority.root.der).digest())
    elsewhere = authority.sign("x", ["mx.elsewhere.example"], issuer=authority.root)
    forged = authority.sign(HOST, [HOST], issuer=None)
    assert check(record, leaf, authority.root)
    assert not check(record, leaf), "the authority must be in the chain"
    assert not check(record, elsewhere, authority.root)
    assert not check(record, forged, authority.root), "shown beside it, the authority has signed nothing"
    assert not check(record, leaf, authority.root, now=datetime.now(UTC) + timedelta(days=30))


def test_a_certificate_that_may_not_issue_is_no_authority(authority):
    not_ca = authority.sign("no ca", [HOST], issuer=authority.root)
    below = authority.sign(HOST, [HOST], issuer=not_ca)
    assert not check(Tlsa(2, 1, 1, hashlib.sha256(not_ca.spki).digest()), below, not_ca, authority.root)


def test_an_intermediate_may_be_the_anchor_and_a_whole_one_may_be_missing_from_the_chain(authority):
    middle = authority.sign("middle", (), issuer=authority.root, ca=True)
    below = authority.sign(HOST, [f"*.{HOST.partition('.')[2]}"], issuer=middle)
    assert check(Tlsa(2, 1, 1, hashlib.sha256(middle.spki).digest()), below, middle)
    assert check(Tlsa(2, 0, 0, authority.root.der), below, middle)


@pytest.mark.parametrize("record", [(0, 0, 1), (1, 1, 1), (3, 2, 1), (3, 1, 3)])
def test_usages_that_prove_nothing_between_mail_servers_are_not_used(leaf, record):
    made = Tlsa(*record, hashlib.sha256(leaf.der).digest())
    assert not made.usable
    assert not check(made, leaf)


def test_what_cannot_be_read_proves_nothing():
    assert not proves([Tlsa(3, 0, 0, b"junk")], [b"junk"], MATCHES, datetime.now(UTC))
    assert not proves([Tlsa(3, 0, 0, b"junk")], [], MATCHES, datetime.now(UTC))


@pytest.mark.parametrize(
    ("shown", "wanted", "well"),
    [
        ("mx.partner.example", "mx.partner.example", True),
        ("MX.Partner.Example.", "mx.partner.example", True),
        ("*.partner.example", "mx.partner.example", True),
        ("*.partner.example", "a.mx.partner.example", False),
        ("*.partner.example", "partner.example", False),
        ("*.example", "partner.example", False),
        ("*", "partner", False),
        ("m*.partner.example", "mx.partner.example", False),
        ("partner.example", "mx.partner.example", False),
        ("evilpartner.example", "partner.example", False),
        ("*.0.0.1", "127.0.0.1", False),
        ("*.0.0.1", "[127.0.0.1]", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1", True),
        ("2001:DB8:0:0:0:0:0:2", "2001:db8::1", False),
    ],
)
def test_a_star_stands_for_one_label_alone(shown, wanted, well):
    assert names_match([shown], [wanted]) is well
