"""LETTERLOCK_KEY_URL: what it may say, what is refused, and that nothing of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.keys.errors import KeyringForeign, ProviderDenied, ProviderUnavailable, SettingRefused
from portal.keys.provider import LocalFile
from portal.keys.providers.addresses import addresses_in, local_files_in, provider_of
from portal.keys.providers.several import Several

MODULE = "module-path=/usr/lib/softhsm/libsofthsm2.so"
PIN = "pin-source=file:/run/secrets/pin"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:/a/root.key", "root key in the file /a/root.key"),
        ("file:///a path/root.key", "root key in the file /a path/root.key"),
        (f"pkcs11:token=Our%20token;object=root?{MODULE}&{PIN}", "PKCS#11 key root in the token Our token"),
        (f"pkcs11:serial=77ab;id=%01%02?{MODULE}&pin-source=/run/pin", "PKCS#11 key 0102 in the token 77ab"),
        ("awskms:alias/letters?region=eu-west-1", "AWS KMS key alias/letters in eu-west-1"),
        (
            "awskms:arn:aws:kms:eu-central-1:111122223333:key/mrk-1",
            "AWS KMS key arn:aws:kms:eu-central-1:111122223333:key/mrk-1 in eu-central-1",
        ),
        (
            "vault:https://v.example:8200/teams/mail/transit/letters?token-file=/run/token&namespace=mail",
            "transit key letters of the server https://v.example:8200",
        ),
    ],
)
def test_an_address_names_a_root_key_and_asks_nobody(url: str, said: str) -> None:
    assert provider_of(url).describe() == said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        ("/a/root.key", "begin with"),
        ("https://keys.example/hunter2", "begin with"),
        ("file:relative/hunter2", "absolute"),
        (f"pkcs11:token=a;object=b?{MODULE}&pin-value=hunter2", "PIN"),
        (f"pkcs11:token=a;object=b?{MODULE}", "pin-source"),
        (f"pkcs11:token=a;object=b?module-path=relative&{PIN}", "absolute"),
        (f"pkcs11:token=a?{MODULE}&{PIN}", "object"),
        (f"pkcs11:token=a;object=b;hunter2=c?{MODULE}&{PIN}", "not known"),
        (f"pkcs11:token=a;object?{MODULE}&{PIN}", "name=value"),
        ("awskms:alias/letters", "region"),
        ("awskms:alias/letters?region=eu-west-1&secret=hunter2", "not known"),
        ("awskms:alias/letters?region=eu-west-1&endpoint=http://kms.example", "https"),
        ("awskms:alias/letters?region=eu-west-1&endpoint=https://me:hunter2@kms.example", "credentials"),
        ("vault:http://v.example:8200/transit/letters", "https"),
        ("vault:https://hunter2@v.example:8200/transit/letters", "credentials"),
        ("vault:https://v.example:8200/letters", "transit/KEY-NAME"),
        ("vault:https://v.example:8200/transit/letters?token=hunter2", "not known"),
        ("vault:https://v.example:8200/transit/letters?token-file=hunter2", "absolute"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(url: str, reason: str) -> None:
    with pytest.raises(SettingRefused, match=reason) as seen:
        provider_of(url)
    assert "LETTERLOCK_KEY_URL" in str(seen.value)
    assert "hunter2" not in str(seen.value)


def test_several_addresses_are_parted_by_spaces_but_paths_may_hold_some() -> None:
    text = " file:/a path/root.key  vault:https://v.example/transit/k\nfile:///b/root.key "
    assert addresses_in(text) == [
        "file:/a path/root.key",
        "vault:https://v.example/transit/k",
        "file:///b/root.key",
    ]
    assert local_files_in(text) == [Path("/a path/root.key"), Path("/b/root.key")]


def test_of_several_root_keys_the_first_seals_and_all_open(tmp_path: Path) -> None:
    old, new, other = (LocalFile.create(tmp_path / name) for name in ("old", "new", "other"))
    both = provider_of(f"file:{tmp_path}/new file:{tmp_path}/old")
    assert isinstance(both, Several)
    assert new.unwrap(both.wrap(b"k" * 32, b"c"), b"c") == b"k" * 32
    assert both.unwrap(old.wrap(b"o" * 32, b"c"), b"c") == b"o" * 32
    with pytest.raises(KeyringForeign):
        both.unwrap(other.wrap(b"k" * 32, b"c"), b"c")


def test_while_one_of_several_is_away_what_the_others_sealed_opens(tmp_path: Path) -> None:
    old, new = (LocalFile.create(tmp_path / name) for name in ("old", "new"))
    both = provider_of(f"file:{tmp_path}/old file:{tmp_path}/new")
    of_new, of_old = new.wrap(b"k" * 32, b"c"), old.wrap(b"k" * 32, b"c")
    (tmp_path / "old").unlink()
    assert both.unwrap(of_new, b"c") == b"k" * 32
    for use in (both.health, lambda: both.unwrap(of_old, b"c"), lambda: both.wrap(b"k" * 32, b"c")):
        with pytest.raises(ProviderUnavailable):
            use()


@pytest.mark.parametrize(("content", "mode"), [(b"hunter2", 0o644), (b"", 0o600), (b"\xff\xfe", 0o600), (None, 0)])
def test_a_credential_file_that_all_can_read_or_that_holds_none_is_refused(
    tmp_path: Path, content: bytes | None, mode: int
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    provider = provider_of(f"vault:http://127.0.0.1:9/transit/letters?token-file={path}")
    with pytest.raises(ProviderDenied, match="token") as seen:
        provider.wrap(b"k" * 32, b"c")
    assert "hunter2" not in str(seen.value)
