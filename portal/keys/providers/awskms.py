"""AWS KMS: a symmetric key that never leaves it, and an encryption context that ties each answer to its object."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError, ProfileNotFound

from portal.keys.errors import KeyringForeign, ProviderDenied, ProviderUnavailable
from portal.keys.providers.credentials import silence
from portal.keys.providers.envelope import Kind, key_id, key_in, pack, payload, unpack

_DENIED = {
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "OptInRequired",
}
_NOT_USABLE = {
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "InvalidKeyUsageException",
    "InvalidArnException",
    "ValidationException",
}
_FOREIGN = {"IncorrectKeyException", "InvalidCiphertextException"}
silence("boto3", "botocore", "urllib3")  # at DEBUG they log every request body, and so every key


class AwsKms:
    """One KMS key. Credentials come the way they always do at AWS: environment, profile, or the machine's role."""

    def __init__(self, key: str, region: str, endpoint: str | None = None, profile: str | None = None) -> None:
        self._key, self._region, self._endpoint, self._profile = key, region, endpoint, profile
        self._lock = threading.Lock()
        self._made: Any = None
        self._root: bytes | None = None

    def wrap(self, key: bytes, context: bytes) -> bytes:
        answer = self._ask(
            lambda kms: kms.encrypt(
                KeyId=self._key, Plaintext=payload(key, context), EncryptionContext=_encryption_context(context)
            )
        )
        blob, name = answer.get("CiphertextBlob"), answer.get("KeyId")
        if not isinstance(blob, bytes) or not 0 < len(blob) <= 6144 or not isinstance(name, str):
            raise self._garbage()
        return pack(Kind.AWSKMS, _root_id(name), blob, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        root, blob = unpack(Kind.AWSKMS, wrapped, context)
        if root != self._root_id():
            raise KeyringForeign
        # With the key named, whoever can write the keyring cannot have it opened with a key of their own.
        answer = self._ask(
            lambda kms: kms.decrypt(
                KeyId=self._key, CiphertextBlob=blob, EncryptionContext=_encryption_context(context)
            )
        )
        opened = answer.get("Plaintext")
        if not isinstance(opened, bytes):
            raise self._garbage()
        return key_in(opened, context)

    def health(self) -> None:
        """Wraps: credentials that may only decrypt are found before mail needs them."""
        self.wrap(bytes(32), b"health")

    def describe(self) -> str:
        return f"AWS KMS key {self._key} in {self._region}"

    def __repr__(self) -> str:
        return f"<AwsKms {self.describe()}>"

    def _root_id(self) -> bytes:
        """Of the key that an address or alias means now; asked once a process."""
        if self._root is None:
            if ":key/" in self._key:
                self._root = _root_id(self._key)
            else:
                answer = self._ask(lambda kms: kms.describe_key(KeyId=self._key))
                found = answer.get("KeyMetadata")
                if not isinstance(found, dict) or not isinstance(found.get("Arn"), str):
                    raise self._garbage()
                self._root = _root_id(found["Arn"])
        return self._root

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                # The session by itself: boto3's default one is shared, and making clients from it is not thread-safe.
                session = boto3.session.Session(region_name=self._region, profile_name=self._profile)
                self._made = session.client(
                    "kms",
                    endpoint_url=self._endpoint,
                    # The guard tries again and knows when to stop; two of them would multiply.
                    config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
                )
            return self._made

    def _ask(self, call: Callable[[Any], object]) -> dict[str, Any]:
        """What KMS answers. Every failure becomes a sentence: the library's own texts quote requests and accounts."""
        try:
            answer = call(self._client())
        except ClientError as error:
            raise self._refusal(error) from None
        except (NoCredentialsError, PartialCredentialsError, ProfileNotFound):
            raise ProviderDenied(
                f"There are no credentials for the {self.describe()}. Give this process a role, a profile or "
                "AWS_ACCESS_KEY_ID; mail waits until then."
            ) from None
        except (BotoCoreError, OSError) as error:
            raise ProviderUnavailable(
                f"The {self.describe()} cannot be reached ({type(error).__name__}). Mend it; mail waits until then."
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._garbage() from None  # what the library makes of an answer that it cannot read
        if not isinstance(answer, dict):
            raise self._garbage()
        return answer

    def _refusal(self, error: ClientError) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _FOREIGN:
            return KeyringForeign()
        if code in _NOT_USABLE:
            return ProviderDenied(
                f"The {self.describe()} is not there or not enabled. Enable it, cancel its deletion, or mend "
                "LETTERLOCK_KEY_URL; it is never made anew by itself. Mail waits until then."
            )
        if code in _DENIED or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403:
            return ProviderDenied(
                f"The {self.describe()} may not be used with these credentials. Renew them, or grant kms:Encrypt, "
                "kms:Decrypt and kms:DescribeKey (docs/keys.md). Mail waits until then."
            )
        return ProviderUnavailable(
            f"The {self.describe()} reports an error of its own or asks for fewer requests. Mail waits until it works."
        )

    def _garbage(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The {self.describe()} answers with something that is not KMS's. Find out what listens there; "
            "mail waits until then."
        )


def _root_id(arn: str) -> bytes:
    # Only what follows "key/": replicas of a multi-Region key share it, and open each other's ciphertexts.
    return key_id(b"awskms", arn.rpartition("/")[2].encode())


def _encryption_context(context: bytes) -> dict[str, str]:
    """Stands in CloudTrail in clear: names objects of the keyring, which are days; the first pair is for policies."""
    return {"letterlock": "keyring", "object": base64.urlsafe_b64encode(context).decode("ascii")}
