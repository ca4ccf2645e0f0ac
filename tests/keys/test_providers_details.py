"""What only one kind of key service has: key versions, aliases, attributes, answers that lie."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from portal.keys.errors import KeyringForeign, ProviderDenied, ProviderUnavailable, SettingRefused
from portal.keys.providers import guarding
from portal.keys.providers.addresses import provider_of
from portal.keys.providers.guarding import GuardedRenewable
from tests.peers.hardware import SoftHsm
from tests.peers.places import ACCESS_SECRET
from tests.peers.relay import Relay
from tests.peers.services import KmsServer, TransitServer

pytestmark = pytest.mark.servers
KEY, CONTEXT = bytes(range(32)), b"context"


# Transit


def test_what_an_older_key_version_wrapped_opens_until_it_is_retired(transit: TransitServer) -> None:
    transit.key("versions")
    provider = provider_of(transit.url("versions"))
    assert isinstance(provider, GuardedRenewable)
    old = provider.wrap(KEY, CONTEXT)
    assert provider.is_newest(old)
    provider.renew()
    provider.renew()  # repeated after a crash: no third version
    new = provider.wrap(KEY, CONTEXT)
    assert b"vault:v2:" in new
    assert provider.is_newest(new)
    assert not provider.is_newest(old)
    assert provider.unwrap(old, CONTEXT) == KEY
    provider.retire()
    provider.retire()
    assert provider.unwrap(new, CONTEXT) == KEY
    with pytest.raises(KeyringForeign, match="older version"):
        provider.unwrap(old, CONTEXT)
    provider.renew()
    assert b"vault:v3:" in provider.wrap(KEY, CONTEXT)


def test_a_rotation_by_others_is_followed(transit: TransitServer) -> None:
    transit.key("followed")
    provider = provider_of(transit.url("followed"))
    old = provider.wrap(KEY, CONTEXT)
    transit.rotate("followed")
    assert b"vault:v2:" in provider.wrap(KEY, CONTEXT)
    assert provider.unwrap(old, CONTEXT) == KEY


@pytest.mark.parametrize("wanted", [{"derived": False}, {"exportable": True}])
def test_a_transit_key_without_derivation_or_with_export_is_not_used(
    transit: TransitServer, wanted: dict[str, bool]
) -> None:
    name = f"weak-{next(iter(wanted))}"
    transit.key(name, **wanted)
    with pytest.raises(SettingRefused, match="LETTERLOCK_KEY_URL"):
        provider_of(transit.url(name)).wrap(KEY, CONTEXT)


def test_a_missing_transit_key_is_not_made(transit: TransitServer) -> None:
    for _ in range(2):
        with pytest.raises(ProviderDenied, match="never made anew"):
            provider_of(transit.url("missing")).wrap(KEY, CONTEXT)


def test_a_sealed_vault_is_a_reason_to_wait(transit: TransitServer) -> None:
    provider = provider_of(transit.url("letters"))
    wrapped = provider.wrap(KEY, CONTEXT)
    transit.behave(sealed=True)
    try:
        with pytest.raises(ProviderUnavailable, match="sealed or in standby"):
            provider.unwrap(wrapped, CONTEXT)
    finally:
        transit.behave(sealed=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ciphertext": "vault:v1:AAAA"},
        {"ciphertext": ""},
        {"ciphertext": 7},
        {"plaintext": "AAAA"},
        {"plaintext": "no base64!"},
        {"plaintext": "A" * 64},
    ],
)
def test_an_answer_that_lies_is_never_stored(transit: TransitServer, wrong: dict[str, object]) -> None:
    provider = provider_of(transit.url("letters"))
    transit.behave(wrong=wrong)
    try:
        with pytest.raises(ProviderUnavailable):
            provider.wrap(KEY, CONTEXT)
    finally:
        transit.behave(wrong={})


def test_a_token_that_was_renewed_in_its_file_counts_at_once(transit: TransitServer) -> None:
    provider = provider_of(transit.url("letters"))
    before = transit.token_file.read_text()
    try:
        transit.token_file.write_text("another\n")
        with pytest.raises(ProviderDenied, match="token"):
            provider.wrap(KEY, CONTEXT)
        transit.token_file.write_text(before)
        assert provider.unwrap(provider.wrap(KEY, CONTEXT), CONTEXT) == KEY
    finally:
        transit.token_file.write_text(before)


def test_ten_slow_seconds_are_cut_to_two_a_call(transit: TransitServer) -> None:
    provider = provider_of(transit.url("letters"))
    wrapped = provider.wrap(KEY, CONTEXT)
    transit.behave(seconds=10)
    started = time.monotonic()
    try:
        with pytest.raises(ProviderUnavailable, match=r"did not answer within 2 seconds|no answer in time"):
            provider.unwrap(wrapped, CONTEXT)
    finally:
        transit.behave(seconds=0)
    assert time.monotonic() - started < 9, "one call and another try of two seconds each"


# The guard


def test_health_asks_once_in_ten_seconds_and_never_during_a_pause(transit: TransitServer) -> None:
    with Relay(transit.port) as relay:
        url = f"vault:http://127.0.0.1:{relay.port}/transit/letters?token-file={transit.token_file}"
        provider = provider_of(url)
        provider.health()
        relay.cut()
        for _ in range(50):
            provider.health()  # what was known a moment ago
        with pytest.raises(ProviderUnavailable):
            provider.wrap(KEY, CONTEXT)
        relay.garbage()
        asked = relay.asked
        for _ in range(50):
            with pytest.raises(ProviderUnavailable):
                provider.health()
        assert relay.asked == asked


def test_a_short_failure_is_bridged_by_trying_again(transit: TransitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Relay(transit.port) as relay:
        url = f"vault:http://127.0.0.1:{relay.port}/transit/letters?token-file={transit.token_file}"
        provider = provider_of(url)
        wrapped = provider.wrap(KEY, CONTEXT)
        relay.cut()
        waited: list[float] = []

        def back_again(seconds: float) -> None:
            waited.append(seconds)
            relay.well()

        monkeypatch.setattr(guarding.time, "sleep", back_again)
        assert provider.unwrap(wrapped, CONTEXT) == KEY
        assert len(waited) == 1
        assert guarding.BACK_OFF[0] <= waited[0] <= guarding.BACK_OFF[0] * 1.5


# AWS KMS


def test_an_alias_and_its_key_open_each_others(kms: KmsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch)
    arn = kms.key("named-twice")
    by_alias, by_arn = provider_of(kms.url("alias/named-twice")), provider_of(kms.url(arn))
    assert by_arn.unwrap(by_alias.wrap(KEY, CONTEXT), CONTEXT) == KEY
    assert by_alias.unwrap(by_arn.wrap(KEY, CONTEXT), CONTEXT) == KEY


def test_a_key_that_is_not_there_is_not_made(kms: KmsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch)
    with pytest.raises(ProviderDenied, match="never made anew"):
        provider_of(kms.url("alias/missing")).wrap(KEY, CONTEXT)


def test_without_credentials_nothing_is_asked(kms: KmsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ProviderDenied, match="no credentials"):
        provider_of(kms.url("alias/letters")).wrap(KEY, CONTEXT)


# PKCS#11


@pytest.mark.parametrize("template", [{"EXTRACTABLE": True}, {"SENSITIVE": False}])
def test_a_key_that_could_leave_the_token_is_not_used(hsm: SoftHsm, template: dict[str, bool]) -> None:
    name = f"weak-{next(iter(template)).lower()}"
    hsm.key("letters", name, **template)
    with pytest.raises(SettingRefused, match="not extractable"):
        provider_of(hsm.url("letters", name)).wrap(KEY, CONTEXT)


def test_a_key_that_may_only_decrypt_is_said_to_be(hsm: SoftHsm) -> None:
    hsm.key("letters", "reader", ENCRYPT=False)
    with pytest.raises(ProviderDenied, match="may not encrypt"):
        provider_of(hsm.url("letters", "reader")).wrap(KEY, CONTEXT)


@pytest.mark.parametrize(("token", "label"), [("letters", "missing"), ("nowhere", "root")])
def test_a_token_or_key_that_is_not_there_is_not_made(hsm: SoftHsm, token: str, label: str) -> None:
    with pytest.raises(ProviderUnavailable, match=r"not there|There is no"):
        provider_of(hsm.url(token, label)).wrap(KEY, CONTEXT)


def test_two_keys_of_one_label_are_not_guessed_between(hsm: SoftHsm) -> None:
    hsm.key("letters", "twice")
    hsm.key("letters", "twice")
    with pytest.raises(ProviderDenied, match="more than one"):
        provider_of(hsm.url("letters", "twice")).wrap(KEY, CONTEXT)


def test_a_module_that_is_not_there_is_said_so(hsm: SoftHsm, tmp_path: Path) -> None:
    url = hsm.url("letters", "root").replace(str(hsm.module), str(tmp_path / "missing.so"))
    with pytest.raises(ProviderUnavailable, match="module"):
        provider_of(url).wrap(KEY, CONTEXT)


def sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPEERPEERPEERPEER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS_SECRET)
