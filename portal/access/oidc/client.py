"""The authorisation code flow with PKCE towards one provider: where to go, and what the code that came is worth.

OpenID Connect Core 1.0 sections 3.1 and 5.3, RFC 7636, RFC 9207. Authlib writes and checks what these define.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import import_key

from portal.access.errors import SignInRefused
from portal.access.models import Provider
from portal.access.oidc import fetching, known, proofs
from portal.access.oidc.fetching import Silent, Unreachable
from portal.access.oidc.known import TENANT, Known
from portal.access.sessions import FRESH
from portal.keys.service import keys

SCOPE = "openid email"
"""No name and no picture: only the address is needed."""
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512")
"""Signatures only: with `none` or an HMAC, whoever reads the public key could sign."""
LEEWAY_SECONDS = 60
LONGEST = 16 * 1024
_OF_ADDRESS = ("email", "email_verified", "hd")
_CLAIMS = frozenset({"iss", "aud", "azp", "nonce", "sub", "iat", "nbf", "exp", "at_hash"})


@dataclass(frozen=True)
class Secrets:
    """What ties an answer to the question: the nonce comes back signed, the verifier (RFC 7636) is shown at the end."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_url(
    provider: Provider, *, back: str, state: str, secrets: Secrets, again: bool = False, anew: bool = False
) -> str:
    """Where the browser goes to sign in. `again` lets the person choose another account there, `anew` has whoever is
    signed in there say again who they are. Raises ProviderDown.

    No login_hint: whoever holds a forwarded notice would read the whole address in it.
    """
    try:
        return cast(
            str,
            prepare_grant_uri(
                known.of(provider).authorization,
                client_id=provider.client_id,
                response_type="code",
                redirect_uri=back,
                scope=SCOPE,
                state=state,
                nonce=secrets.nonce,
                code_challenge=create_s256_code_challenge(secrets.verifier),
                code_challenge_method="S256",
                prompt=_prompt(provider, anew=anew) if again or anew else None,
                max_age=int(FRESH.total_seconds()) if anew and provider.kind == Provider.Kind.OIDC else None,
            ),
        )
    except ValueError:
        raise known.failed(provider, "the address of its sign-in page has a query that cannot be added to") from None


def is_anew(claims: Mapping[str, Any], *, asked: bool) -> bool:
    """Whether the person was asked just now: by the provider's word on when it was, else by our having wanted it so.

    The word counts first, for who sits at the browser can take the wish out of the address on its way.
    """
    at = claims.get("auth_time")
    if at is None:
        return asked
    known = isinstance(at, int) and not isinstance(at, bool)
    return known and timezone.now().timestamp() - at < FRESH.total_seconds() + LEEWAY_SECONDS


def _prompt(provider: Provider, *, anew: bool) -> str:
    """What leads to another account, or to being asked anew: `select_account` only where it is known to work.

    Others may refuse the whole request for it, while all must take `login` (OpenID Connect Core section 15.1); Google
    does not, and has no way to ask anew.
    """
    choosing = (Provider.Kind.GOOGLE,) if anew else (Provider.Kind.GOOGLE, Provider.Kind.MICROSOFT)
    return "select_account" if provider.kind in choosing else "login"


def check_issuer(provider: Provider, said: str | None) -> None:
    """That the way back comes from this provider (RFC 9207): else another one's code could be played to it (mix-up).

    Raises SignInRefused, ProviderDown.
    """
    published = known.of(provider)
    if said is None:
        if published.says_issuer:
            raise SignInRefused(provider.name, "iss")
        return
    before, place, after = published.issuer.partition(TENANT)
    tenant = said.removeprefix(before).removesuffix(after)
    if said != published.issuer and not (place and said == before + tenant + after and proofs.is_tenant(tenant)):
        raise SignInRefused(provider.name, "iss")


def claims_for(provider: Provider, code: str, *, back: str, secrets: Secrets) -> dict[str, Any]:
    """Exchange a code for its claims: those of the ID token, and the address from userinfo where the token has none.

    Raises:
        SignInRefused: the code or the token is not good.
        ProviderDown: no answer.
    """
    published = known.of(provider)
    answer = _tokens(provider, published, code, back, secrets)
    token, access = answer.get("id_token"), answer.get("access_token")
    if not isinstance(token, str) or not isinstance(access, str) or max(len(token), len(access)) > LONGEST:
        raise SignInRefused(provider.name, "token")
    claims = checked(provider, published, token, nonce=secrets.nonce, access_token=access)
    # Microsoft's userinfo lacks the claims that its proofs need.
    if "email" not in claims and published.userinfo and provider.kind != Provider.Kind.MICROSOFT:
        # Whether it is verified must be said where the address is.
        rest = {name: value for name, value in claims.items() if name not in _OF_ADDRESS}
        claims = {**rest, **_userinfo(provider, published, access, claims["sub"])}
    return claims


def checked(provider: Provider, published: Known, token: str, *, nonce: str, access_token: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core section 3.1.3.7). Raises SignInRefused, ProviderDown."""
    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise SignInRefused(provider.name, "alg")
        document = _key(provider, published, header.get("kid"))
        read = jwt.decode(token, import_key(document), algorithms=[str(algorithm)])
    except (JoseError, ValueError, TypeError):
        raise SignInRefused(provider.name, "signature") from None
    issuer = published.issuer
    if TENANT in issuer:
        tenant = read.claims.get("tid")
        if not proofs.is_tenant(tenant):
            raise SignInRefused(provider.name, "tenant")
        issuer = issuer.replace(TENANT, str(tenant))
        # Microsoft says of each key whose it is: one for personal accounts must not sign for a company's tenant.
        if str(document.get("issuer", issuer)).replace(TENANT, str(tenant)) != issuer:
            raise SignInRefused(provider.name, "key")
    claims = CodeIDToken(
        read.claims,
        read.header,
        options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": provider.client_id}},
        params={"nonce": nonce, "client_id": provider.client_id, "access_token": access_token},
    )
    try:
        claims.validate(now=int(timezone.now().timestamp()), leeway=LEEWAY_SECONDS)
    except ExpiredTokenError:
        raise SignInRefused(provider.name, "exp") from None
    except (JoseError, ValueError, TypeError) as error:
        name = getattr(error, "claim", "")
        raise SignInRefused(provider.name, name if name in _CLAIMS else "token") from None
    return dict(claims)


def _key(provider: Provider, published: Known, kid: object) -> dict[str, Any]:
    """The provider's key of this id, from keys fetched anew when it is not among those kept. Raises SignInRefused."""
    found = _pick(published, kid)
    if found is None:
        found = _pick(known.of(provider, anew=True), kid)
    if found is None:
        raise SignInRefused(provider.name, "key")
    return found


def _pick(published: Known, kid: object) -> dict[str, Any] | None:
    for document in published.keys:
        # A key without an id serves only where it is the only one, as the standard has it (section 10.1).
        fits = document.get("kid") == kid if kid is not None else len(published.keys) == 1
        if fits and document.get("use", "sig") == "sig" and document.get("kty") in ("RSA", "EC", "OKP"):
            return document
    return None


def _tokens(provider: Provider, published: Known, code: str, back: str, secrets: Secrets) -> dict[str, Any]:
    form = prepare_token_request("authorization_code", code=code, redirect_uri=back, code_verifier=secrets.verifier)
    _, headers, form = _shown(provider, published).prepare("POST", published.token, {}, form)
    answer = _answer(provider, published.token, form=form, headers=headers)
    if answer.status == 200:
        return answer.document
    if answer.document.get("error") in ("invalid_client", "unauthorized_client"):
        raise known.failed(provider, "it does not accept our client: compare id, secret and redirect URI with its own")
    raise SignInRefused(provider.name, "code")


def _shown(provider: Provider, published: Known) -> Any:
    sealed = bytes(provider.client_secret)
    secret = keys().open_field("provider", provider.id, sealed).decode() if sealed else ""
    if published.auth == "client_secret_basic":
        # RFC 6749 section 2.3.1 has both encoded as in a form, which Authlib leaves to the caller.
        return ClientAuth(quote(provider.client_id, safe=""), quote(secret, safe=""), published.auth)
    return ClientAuth(provider.client_id, secret, published.auth)


def _userinfo(provider: Provider, published: Known, access: str, subject: object) -> dict[str, Any]:
    """Address and whether it was verified (section 5.3.2: only of the very person of the ID token)."""
    headers = {"Authorization": f"Bearer {access}"}
    answer = _answer(provider, published.userinfo, headers=headers)
    if answer.status != 200:
        raise SignInRefused(provider.name, "userinfo")
    if not isinstance(subject, str) or answer.document.get("sub") != subject:
        raise SignInRefused(provider.name, "sub")
    return {name: answer.document[name] for name in _OF_ADDRESS if name in answer.document}


def _answer(provider: Provider, url: str, **asked: Any) -> fetching.Answer:
    try:
        answer = fetching.fetch(url, private=provider.private, **asked)
    except Silent as error:
        raise known.down(provider, str(error)) from None
    except Unreachable as error:
        raise known.failed(provider, str(error)) from None
    if answer.status >= 500:
        raise known.failed(provider, f"it answers {answer.status}")
    return answer
