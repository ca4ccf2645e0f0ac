"""Hardware security modules by PKCS#11: an AES-256 key that was made in the token and never leaves it."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as said

from portal.keys.errors import (
    KeyringDamaged,
    KeyringForeign,
    KeysError,
    ProviderDenied,
    ProviderUnavailable,
    SettingRefused,
)
from portal.keys.providers.credentials import secret_in
from portal.keys.providers.envelope import Kind, key_id, key_in, pack, payload, unpack

T = TypeVar("T")
_NONCE_SIZE, _TAG_SIZE, _KEY_SIZE = 12, 16, 32
_WAIT_SECONDS = 2.0
_NOT_PERMITTED = "0x68"  # CKR_KEY_FUNCTION_NOT_PERMITTED
_FORGETTABLE = os.urandom(32)
_PIN_ERRORS = (
    said.PinIncorrect,
    said.PinInvalid,
    said.PinLenRange,
    said.PinLocked,
    said.PinExpired,
    said.UserPinNotInitialized,
)
_ABSENT = (said.NoSuchToken, said.TokenNotPresent, said.TokenNotRecognised, said.DeviceRemoved, said.SlotIDInvalid)
_NOT_ALLOWED = (
    said.FunctionRejected,
    said.FunctionNotSupported,
    said.KeyTypeInconsistent,
    said.MechanismInvalid,
    said.MechanismParamInvalid,
    said.TokenWriteProtected,
    said.SessionReadOnly,
)
# One call at a time into a module, whatever the number of providers: sessions of one token share their login.
_modules_lock = threading.Lock()
_initialised_by: dict[str, int] = {}  # module path to process id


@dataclass(frozen=True, slots=True)
class Place:
    """Which token and which key in it; at least one of each pair."""

    token: str | None = None
    serial: str | None = None
    object: str | None = None
    id: bytes | None = None


class Hardware:
    """AES-256-GCM in the token, the context as its additional data, random nonces from this process."""

    def __init__(self, module: Path, place: Place, pin_file: Path) -> None:
        self._module, self._place, self._pin_file = module, place, pin_file
        self._session: pkcs11.Session | None = None
        self._key: Any = None
        self._root = b""
        self._process = 0
        self._refused_pin = b""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        content = payload(key, context)
        sealed = self._use(
            lambda root: root.encrypt(content, mechanism=Mechanism.AES_GCM, mechanism_param=_parameters(nonce, context))
        )
        return pack(Kind.PKCS11, self._root, nonce + bytes(sealed), context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        root_id, blob = unpack(Kind.PKCS11, wrapped, context)
        if len(blob) <= _NONCE_SIZE + _TAG_SIZE:
            raise KeyringDamaged

        def open_it(root: Any) -> bytes:
            if root_id != self._root:
                raise KeyringForeign
            parameters = _parameters(blob[:_NONCE_SIZE], context)
            return bytes(root.decrypt(blob[_NONCE_SIZE:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

        return key_in(self._use(open_it), context)

    def health(self) -> None:
        """Wraps: a key that may only decrypt is found before mail needs it."""
        self.wrap(bytes(32), b"health")

    def describe(self) -> str:
        place = self._place
        return f"PKCS#11 key {place.object or (place.id or b'').hex()} in the token {place.token or place.serial}"

    def __repr__(self) -> str:
        return f"<Hardware {self.describe()}>"

    def _use(self, work: Callable[[Any], T]) -> T:
        """`work` with the key. The session is kept while all goes well, and opened anew after any failure."""
        with self._alone():
            try:
                if self._session is None or self._process != os.getpid():
                    self._open()
                return work(self._key)
            except KeysError:
                raise
            except Exception as error:
                self._close()
                raise self._refusal(error) from None

    def _open(self) -> None:
        self._close()
        module = self._library()
        pin = secret_in(self._pin_file, "PIN")
        token = module.get_token(**_given(token_label=self._place.token, token_serial=_bytes(self._place.serial)))
        # Tokens lock a PIN after a few wrong ones: the one that was refused is not tried again until it changes.
        pin_digest = hmac.digest(_FORGETTABLE, pin.encode(), "sha256")
        if pin_digest == self._refused_pin:
            raise said.PinIncorrect
        try:
            session = token.open(user_pin=pin)
        except _PIN_ERRORS:
            self._refused_pin = pin_digest
            raise
        except said.UserAlreadyLoggedIn:
            session = token.open()  # the login of this process, made by another provider, serves all its sessions
        try:
            key = self._only_key(session)
            self._check(key)
            self._root = key_id(b"pkcs11", _attribute(key, Attribute.CHECK_VALUE), _attribute(key, Attribute.ID))
        except BaseException:
            with suppress(Exception):
                session.close()
            raise
        self._session, self._key, self._process = session, key, os.getpid()

    def _library(self) -> Any:
        """The module, started in this process: after a fork it must be started again (PKCS #11 v3.0, 5.4)."""
        name = str(self._module)
        module = pkcs11.lib(name)
        if _initialised_by.get(name, os.getpid()) != os.getpid():
            module.reinitialize()
        _initialised_by[name] = os.getpid()
        return module

    def _only_key(self, session: pkcs11.Session) -> Any:
        wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
        if self._place.object is not None:
            wanted[Attribute.LABEL] = self._place.object
        if self._place.id is not None:
            wanted[Attribute.ID] = self._place.id
        # Read to its end: a search that is left half way keeps the session locked.
        found = list(session.get_objects(wanted))
        if len(found) != 1:
            raise said.MultipleObjectsReturned if found else said.NoSuchKey
        return found[0]

    def _check(self, key: Any) -> None:
        size, sensitive, extractable = (
            key[Attribute.VALUE_LEN],
            key[Attribute.SENSITIVE],
            key[Attribute.EXTRACTABLE],
        )
        if size != _KEY_SIZE or not sensitive or extractable:
            raise SettingRefused(
                f"The {self.describe()} must be AES-256, sensitive and not extractable. Make such a key in the token "
                "(docs/keys.md) and name it in LETTERLOCK_KEY_URL."
            )

    def _close(self) -> None:
        session, self._session, self._key = self._session, None, None
        if session is not None and self._process == os.getpid():
            with suppress(Exception):
                session.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # A call that is stuck in the module must not gather more threads behind it than the time limit allows.
        if not _modules_lock.acquire(timeout=_WAIT_SECONDS):
            raise ProviderUnavailable(
                f"The {self.describe()} is still busy with an earlier call. Mail waits until it answers."
            )
        try:
            yield
        finally:
            _modules_lock.release()

    def _refusal(self, error: Exception) -> KeysError:
        if isinstance(error, said.EncryptedDataInvalid | said.EncryptedDataLenRange):
            return KeyringForeign()
        if isinstance(error, _PIN_ERRORS):
            return ProviderDenied(
                f"The {self.describe()} does not take the PIN, or the PIN is locked. Mend the file that pin-source "
                "names before the token locks it; mail waits until then."
            )
        if isinstance(error, said.NoSuchKey | said.MultipleObjectsReturned | said.MultipleTokensReturned):
            return ProviderDenied(
                f"There is no {self.describe()}, or more than one. Mend LETTERLOCK_KEY_URL; it is never made anew "
                "by itself. Mail waits until then."
            )
        # A key that may not do it lacks the method, or the token answers a code that the library has no name for.
        forbidden = isinstance(error, AttributeError) or _NOT_PERMITTED in str(error).lower()
        if forbidden or isinstance(error, _NOT_ALLOWED):
            return ProviderDenied(
                f"The {self.describe()} may not encrypt and decrypt with AES-GCM ({type(error).__name__}). "
                "Make a key that may (docs/keys.md); mail waits until then."
            )
        if isinstance(error, _ABSENT):
            return ProviderUnavailable(f"The token of the {self.describe()} is not there. Mail waits until it is back.")
        return ProviderUnavailable(
            f"The {self.describe()} does not work ({type(error).__name__}). Mend the module or the token; "
            "mail waits until then."
        )


def _parameters(nonce: bytes, context: bytes) -> GCMParams:
    return GCMParams(nonce=nonce, aad=context, tag_bits=_TAG_SIZE * 8)


def _attribute(key: Any, attribute: Attribute) -> bytes:
    """What is public about a key, as far as the token says it."""
    try:
        return bytes(key[attribute])
    except said.PKCS11Error:
        return b""


def _bytes(text: str | None) -> bytes | None:
    return text.encode() if text is not None else None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _forget_after_fork() -> None:
    """Another thread may have held it at the fork."""
    global _modules_lock
    _modules_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
