"""Vault's and OpenBao's transit engine: the root key is made there and has versions; contexts derive a key each."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hvac
import requests
from hvac import exceptions

from portal.keys.errors import KeyringForeign, ProviderDenied, ProviderUnavailable, SettingRefused
from portal.keys.providers.credentials import secret_in, silence
from portal.keys.providers.envelope import ID_SIZE, Kind, key_in, pack, payload, unpack

SECONDS = (1.0, 2.0)  # to connect; between two bytes
_CIPHERTEXT = re.compile(r"vault:v\d{1,9}:[A-Za-z0-9+/]+={0,2}", re.ASCII)
_VERSION = re.compile(rb"vault:v(\d{1,9}):")
# Two servers may have keys of one name: which it was is known only by whether it opens.
_NO_ID = bytes(ID_SIZE)
silence("hvac", "urllib3")


class Transit:
    """A transit key with derivation. Its ciphertexts name their key version, so old ones open after a rotation."""

    def __init__(
        self,
        server: str,
        mount: str,
        key: str,
        namespace: str | None = None,
        token_file: Path | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._server, self._mount, self._key, self._namespace = server, mount, key, namespace
        self._token_file, self._ca_file = token_file, ca_file
        self._session = requests.Session()
        self._session.trust_env = False  # neither .netrc nor a proxy shall see the token
        self._checked = False

    def wrap(self, key: bytes, context: bytes) -> bytes:
        self._check_key()
        answer = self._ask(
            lambda transit: transit.encrypt_data(
                self._key,
                plaintext=_text(payload(key, context)),
                context=_text(context),
                mount_point=self._mount,
            )
        )
        ciphertext = _field(answer, "ciphertext")
        if not _CIPHERTEXT.fullmatch(ciphertext):
            raise self._garbage()
        return pack(Kind.TRANSIT, _NO_ID, ciphertext.encode("ascii"), context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        _, blob = unpack(Kind.TRANSIT, wrapped, context)
        answer = self._ask(
            lambda transit: transit.decrypt_data(
                self._key, ciphertext=blob.decode("ascii"), context=_text(context), mount_point=self._mount
            )
        )
        try:
            opened = base64.b64decode(_field(answer, "plaintext"), validate=True)
        except (binascii.Error, ValueError):
            raise self._garbage() from None
        return key_in(opened, context)

    def health(self) -> None:
        """Wraps: a token that may only read is found before mail needs it."""
        self.wrap(bytes(32), b"health")

    def renewing(self) -> bool:
        """Older versions that may still open something show an unfinished renewal."""
        newest, oldest = self._versions()
        return newest != oldest

    def renew(self) -> None:
        """A new key version, unless a renewal is under way."""
        if not self.renewing():
            self._ask(lambda transit: transit.rotate_key(self._key, mount_point=self._mount), silent=True)

    def is_newest(self, wrapped: bytes) -> bool:
        # The version is not authenticated by us, but by the engine: under another one the ciphertext does not open.
        version = _VERSION.search(wrapped)
        return version is not None and int(version[1]) == self._versions()[0]

    def retire(self) -> None:
        """Lets no older version open anything, and has the engine delete them."""
        newest, _ = self._versions()
        # Two calls, for the library refuses to set both to one number, which the engine allows and trimming needs.
        for least in ({"min_encryption_version": newest}, {"min_decryption_version": newest}):
            self._configure(least)
        self._ask(lambda transit: transit.trim_key(self._key, min_version=newest, mount_point=self._mount), silent=True)

    def _configure(self, what: dict[str, int]) -> None:
        self._ask(
            lambda transit: transit.update_key_configuration(self._key, mount_point=self._mount, **what), silent=True
        )

    def describe(self) -> str:
        return f"transit key {self._key} of the server {self._server}"

    def __repr__(self) -> str:
        return f"<Transit {self.describe()}>"

    def _check_key(self) -> None:
        """Once a process. Also keeps a missing key from being made by the first use, as the engine would."""
        if self._checked:
            return
        answer = self._ask(lambda transit: transit.read_key(self._key, mount_point=self._mount))
        found = answer.get("data")
        if not isinstance(found, dict) or "derived" not in found:
            raise self._garbage()
        if found["derived"] is not True or found.get("supports_encryption") is False:
            raise SettingRefused(
                f"The {self.describe()} must be made with derived=true and a type that encrypts, like aes256-gcm96. "
                "Make another key (docs/keys.md) and name it in LETTERLOCK_KEY_URL."
            )
        if found.get("exportable") or found.get("allow_plaintext_backup"):
            raise SettingRefused(
                f"The {self.describe()} can be exported in clear. Make one that cannot (docs/keys.md) "
                "and name it in LETTERLOCK_KEY_URL."
            )
        self._checked = True

    def _versions(self) -> tuple[int, int]:
        """The newest key version, and the oldest that may still open something."""
        answer = self._ask(lambda transit: transit.read_key(self._key, mount_point=self._mount))
        found = answer.get("data")
        newest, oldest = (
            (found.get("latest_version"), found.get("min_decryption_version")) if isinstance(found, dict) else (0, 0)
        )
        if not isinstance(newest, int) or not isinstance(oldest, int) or newest < 1:
            raise self._garbage()
        return newest, max(1, oldest)

    def _token(self) -> str:
        if self._token_file:
            return secret_in(self._token_file, "token")
        token = os.environ.get("VAULT_TOKEN", "")
        if not token:
            raise ProviderDenied(
                "There is no token for the key service. Name a file by token-file= in LETTERLOCK_KEY_URL, "
                "or set VAULT_TOKEN. Mail waits until then."
            )
        return token

    def _ask(self, call: Callable[[Any], object], *, silent: bool = False) -> dict[str, Any]:
        """What the engine answers, which may be nothing when `silent` (older versions say 204, newer ones 200).

        Every failure becomes a sentence: the library's own texts quote the request.
        """
        client = hvac.Client(
            url=self._server,
            token=self._token(),
            namespace=self._namespace,
            verify=str(self._ca_file) if self._ca_file else True,
            timeout=SECONDS,
            allow_redirects=False,
            session=self._session,
        )
        try:
            answer = call(client.secrets.transit)
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise ProviderDenied(
                f"The {self.describe()} may not be used with this token. Renew it, or grant update on encrypt and "
                "decrypt and read on the key (docs/keys.md). Mail waits until then."
            ) from None
        except exceptions.InvalidPath:
            raise self._no_such_key() from None
        except exceptions.InvalidRequest as error:
            raise self._refusal(error) from None
        except (exceptions.VaultError, requests.RequestException, OSError) as error:
            raise ProviderUnavailable(
                f"The {self.describe()} cannot be reached ({_reason(error)}). Mend it; mail waits until then."
            ) from None
        if silent and isinstance(answer, requests.Response) and answer.status_code == 204:
            return {}
        if not isinstance(answer, dict):
            raise self._garbage()
        return answer

    def _refusal(self, error: exceptions.InvalidRequest) -> Exception:
        said = " ".join(map(str, error.errors or ())).lower()
        if "not found" in said:
            return self._no_such_key()
        if "too old" in said or "disallowed by policy" in said:
            return KeyringForeign(
                f"The keyring is sealed under an older version of the {self.describe()} than it allows. "
                "Lower its min_decryption_version if that version still exists."
            )
        if "authentication failed" in said or "unable to decrypt" in said or "version" in said:
            return KeyringForeign()
        return ProviderDenied(f"The {self.describe()} refuses the request. See its own log; mail waits until then.")

    def _no_such_key(self) -> ProviderDenied:
        return ProviderDenied(
            f"There is no {self.describe()} under {self._mount}. Make it there (docs/keys.md) or mend "
            "LETTERLOCK_KEY_URL; it is never made anew by itself. Mail waits until then."
        )

    def _garbage(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The {self.describe()} answers with something that is not Vault's. Find out what listens there; "
            "mail waits until then."
        )


def _reason(error: Exception) -> str:
    """The kind of failure; the library's text may quote headers."""
    if isinstance(error, exceptions.VaultDown):
        return "it is sealed or in standby"
    if isinstance(error, exceptions.RateLimitExceeded):
        return "it asks for fewer requests"
    if isinstance(error, exceptions.VaultError):
        return "it reports an error of its own"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return "its certificate is not trusted" if isinstance(error, requests.exceptions.SSLError) else "no connection"


def _field(answer: dict[str, Any], name: str) -> str:
    data = answer.get("data")
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) and value.isascii() else ""


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
