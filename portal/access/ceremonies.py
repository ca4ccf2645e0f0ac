"""The two ceremonies of WebAuthn on plain data: what a browser is asked, and whether its answer is right.

Sections are those of Web Authentication Level 2. The library checks the answers; what it leaves to its caller is
checked here: the size, `crossOrigin`, and that no attestation comes which was not asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from branding.choosing import origin
from branding.models import Brand
from portal.access.passkey_errors import PasskeyWrong

LONGEST = 16_384
"""Characters of an answer; one with an RSA key and a long credential id has under 4,000."""
LONGEST_CREDENTIAL = 1023
"""Bytes of a credential id (section 6.5.1)."""
PATIENCE_MS = 120_000
ALGORITHMS = [Algorithm.ECDSA_SHA_256, Algorithm.EDDSA, Algorithm.RSASSA_PKCS1_v1_5_SHA_256]
"""ES256, EdDSA, RS256, in the order of preference (section 5.8.5)."""
UNATTESTED = (AttestationFormat.NONE, AttestationFormat.PACKED)
"""What comes where no attestation was asked for; a browser may leave a key's signature over itself in place (section
5.1.3 step 21). Neither says anything that we rely on."""
TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)


@dataclass(frozen=True)
class Party:
    """The relying party: a brand by its host, which no other site can ask for."""

    id: str
    origin: str
    name: str

    @classmethod
    def of(cls, brand: Brand) -> Party:
        return cls(brand.host, origin(brand), brand.name)


@dataclass(frozen=True)
class Answer:
    """What a browser posted, read and not yet checked."""

    whole: dict[str, Any] = field(repr=False)
    credential: bytes = field(repr=False)
    challenge: bytes = field(repr=False)
    handle: bytes = field(repr=False)
    """Empty where the authenticator gave none."""

    @classmethod
    def read(cls, text: str) -> Answer:
        """PasskeyWrong when it is too long, is no JSON, or lacks what every answer has."""
        if len(text) > LONGEST:
            raise PasskeyWrong
        try:
            whole = json.loads(text)
            response = whole["response"]
            said = json.loads(base64url_to_bytes(response["clientDataJSON"]))
            handle = response.get("userHandle") or ""
            answer = cls(
                whole,
                base64url_to_bytes(whole["rawId"]),
                base64url_to_bytes(said["challenge"]),
                base64url_to_bytes(handle),
            )
            framed = said.get("crossOrigin", False) is not False or "topOrigin" in said
        # Whatever a stranger can put into JSON; RecursionError is what deep nesting gives.
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise PasskeyWrong from None
        # Step 10 of sections 7.1 and 7.2 leaves frames of other sites to us: none of our pages stands in one.
        if framed or not 0 < len(answer.credential) <= LONGEST_CREDENTIAL:
            raise PasskeyWrong
        return answer


@dataclass(frozen=True)
class Made:
    """A new key."""

    credential: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: list[str]
    synced: bool
    backed_up: bool


@dataclass(frozen=True)
class Signed:
    """A right signature. Its counter has still to be compared with the one before."""

    sign_count: int
    backed_up: bool


def creation_options(
    party: Party, *, handle: bytes, user_name: str, challenge: bytes, known: Iterable[bytes]
) -> dict[str, Any]:
    """What navigator.credentials.create() is asked, as JSON (section 5.4); `known` are this person's credential ids."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle,
        user_name=user_name,
        challenge=challenge,
        timeout=PATIENCE_MS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in known],
        supported_pub_key_algs=ALGORITHMS,
    )
    return _plain(webauthn.options_to_json(options))


def request_options(party: Party, challenge: bytes) -> dict[str, Any]:
    """What navigator.credentials.get() is asked, as JSON (section 5.5); no ids: the authenticator knows whose it is."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=PATIENCE_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(webauthn.options_to_json(options))


def check_made(party: Party, answer: Answer) -> Made:
    """The key that an answer to creation_options() brings (section 7.1); the challenge is the caller's to check.

    PasskeyWrong for every fault alike.
    """
    try:
        found = webauthn.verify_registration_response(
            credential=answer.whole,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    # Many kinds come out of the library for bytes that only a stranger would send, and their texts quote those bytes.
    except Exception:
        raise PasskeyWrong from None
    if found.fmt not in UNATTESTED or found.credential_id != answer.credential:
        raise PasskeyWrong
    return Made(
        credential=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        transports=_transports(answer),
        synced=found.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=found.credential_backed_up,
    )


def check_signed(party: Party, answer: Answer, public_key: bytes) -> Signed:
    """Whether an answer to request_options() is signed with a key (section 7.2); the caller checks its challenge.

    PasskeyWrong for every fault alike.
    """
    try:
        found = webauthn.verify_authentication_response(
            credential=answer.whole,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            # The library compares counters before it looks at the signature. A stranger who knows a credential's id
            # could put it to sleep with that; so the caller compares, after this.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:
        raise PasskeyWrong from None
    return Signed(found.new_sign_count, found.credential_backed_up)


def _transports(answer: Answer) -> list[str]:
    """How the authenticator is reached, as the browser says (unsigned, so of no weight)."""
    told = answer.whole["response"].get("transports")
    return [one for one in told if one in TRANSPORTS][: len(TRANSPORTS)] if _are_strings(told) else []


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _plain(options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(options)
    return found
