"""The provider that LETTERLOCK_KEY_URL names; the libraries of a key service are loaded only when it is used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from portal.keys.errors import SettingRefused
from portal.keys.places import file_of
from portal.keys.provider import LocalFile, Provider
from portal.keys.providers.guarding import guarded
from portal.keys.providers.several import Several

SCHEMES = ("file", "pkcs11", "awskms", "vault")
# A path may hold spaces, so only a space before the next scheme parts two addresses.
_BETWEEN = re.compile(rf"\s+(?=(?:{'|'.join(SCHEMES)}):)")
_PKCS11_PATH = ("token", "serial", "object", "id")


def provider_of(text: str, setting: str = "LETTERLOCK_KEY_URL") -> Provider:
    """The provider for one address, or several with spaces between. SettingRefused says what is wrong with it."""
    made = [_provider(address, setting) for address in addresses_in(text)]
    if not made:
        raise SettingRefused(f"{setting} is empty. Name the root key's place, like file:///an/absolute/path.")
    return made[0] if len(made) == 1 else Several(made)


def addresses_in(text: str) -> list[str]:
    """Each address of the setting."""
    return [address for address in _BETWEEN.split(text.strip()) if address]


def local_files_in(text: str) -> list[Path]:
    """The root key files among the addresses: those that a first start may make."""
    return [file_of(address, "LETTERLOCK_KEY_URL") for address in addresses_in(text) if address.startswith("file:")]


def _provider(address: str, setting: str) -> Provider:
    scheme, _, rest = address.partition(":")
    if scheme == "file":
        return LocalFile(file_of(address, setting))
    if scheme == "pkcs11":
        return guarded(_pkcs11(rest, setting))
    if scheme == "awskms":
        return guarded(_awskms(rest, setting))
    if scheme == "vault":
        return guarded(_vault(rest, setting))
    raise SettingRefused(f"{setting} must begin with file:, pkcs11:, awskms: or vault: (docs/keys.md).")


def _pkcs11(rest: str, setting: str) -> Provider:
    """RFC 7512: attributes of the path are parted by semicolons, those of the query by ampersands."""
    path, _, query = rest.partition("?")
    named = dict(_attribute(part, setting) for part in path.split(";") if part)
    asked = dict(_attribute(part, setting) for part in query.split("&") if part)
    if "pin-value" in asked:
        raise SettingRefused(
            f"{setting} holds a PIN. Put it in a file that only this user may read; name that by pin-source=file:/path."
        )
    _only(setting, named, _PKCS11_PATH)
    _only(setting, asked, ("module-path", "pin-source"))
    if not {"token", "serial"} & named.keys() or not {"object", "id"} & named.keys():
        raise SettingRefused(f"{setting} must name a token and an object, like pkcs11:token=NAME;object=NAME?… .")
    if "module-path" not in asked or "pin-source" not in asked:
        raise SettingRefused(f"{setting} must have module-path=/path/of/module.so and pin-source=file:/path.")
    from portal.keys.providers.hardware import Hardware, Place  # a library each, loaded where it is used

    source = asked["pin-source"].decode()
    return Hardware(
        module=_absolute(asked["module-path"].decode(), "module-path", setting),
        place=Place(**{name: value if name == "id" else value.decode() for name, value in named.items()}),  # type: ignore[arg-type]
        pin_file=_absolute(source if source.startswith("/") else str(file_of(source, setting)), "pin-source", setting),
    )


def _attribute(part: str, setting: str) -> tuple[str, bytes]:
    name, equals, value = part.partition("=")
    if not equals or not value:
        raise SettingRefused(f"{setting} has an attribute without a value; write name=value (RFC 7512).")
    return name, unquote_to_bytes(value)


def _awskms(rest: str, setting: str) -> Provider:
    key, _, query = rest.partition("?")
    options = _options(query, ("region", "endpoint", "profile"), setting)
    arn = key.split(":")
    is_arn = key.startswith("arn:") and len(arn) == 6 and arn[2] == "kms"
    region = options.get("region") or (arn[3] if is_arn else "")
    if not key or not region or (":" in key and not is_arn):
        raise SettingRefused(
            f"{setting} must be awskms:arn:aws:kms:REGION:ACCOUNT:key/ID, or awskms:alias/NAME?region=REGION."
        )
    endpoint = options.get("endpoint")
    if endpoint:
        _safe_address(endpoint, setting)
    from portal.keys.providers.awskms import AwsKms

    return AwsKms(key=key, region=region, endpoint=endpoint, profile=options.get("profile"))


def _vault(rest: str, setting: str) -> Provider:
    address, _, query = rest.partition("?")
    options = _options(query, ("token-file", "ca-file", "namespace"), setting)
    _safe_address(address, setting)
    parts = urlsplit(address)
    mount, _, key = parts.path.strip("/").rpartition("/")
    if not mount or not key:
        raise SettingRefused(f"{setting} must be vault:https://host:8200/transit/KEY-NAME.")
    from portal.keys.providers.transit import Transit

    files = {name: _absolute(options[name], name, setting) for name in ("token-file", "ca-file") if name in options}
    return Transit(
        server=f"{parts.scheme}://{parts.netloc}",
        mount=mount,
        key=key,
        namespace=options.get("namespace"),
        token_file=files.get("token-file"),
        ca_file=files.get("ca-file"),
    )


def _options(query: str, allowed: Collection[str], setting: str) -> dict[str, str]:
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        raise SettingRefused(f"{setting} has options that cannot be read; write ?name=value&name=value.") from None
    _only(setting, options, allowed)
    return options


def _only(setting: str, given: Mapping[str, object], allowed: Collection[str]) -> None:
    # The names alone: a value may be a credential that was put where it does not belong.
    if not set(given) <= set(allowed):
        raise SettingRefused(f"{setting} has an option that is not known here. These are: {', '.join(allowed)}.")


def _absolute(path: str, option: str, setting: str) -> Path:
    if not path.startswith("/"):
        raise SettingRefused(f"{setting}: {option} must be an absolute path.")
    return Path(path)


def _safe_address(url: str, setting: str) -> None:
    """https, or http to this computer; no credentials. What goes there are root credentials and object keys."""
    parts = urlsplit(url)
    if parts.username or parts.password or "@" in parts.netloc:
        raise SettingRefused(f"{setting} holds credentials. Take them out; docs/keys.md says where they go.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingRefused(f"{setting} needs an address like https://keys.example.org.")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise SettingRefused(f"{setting} must use https: keys would cross the network in clear.")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
