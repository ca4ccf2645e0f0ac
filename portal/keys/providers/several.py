"""More than one root key at a time, as a move from one to another needs: the first seals, all open."""

from __future__ import annotations

from collections.abc import Sequence

from portal.keys.errors import KeyringForeign, ProviderUnavailable
from portal.keys.provider import Provider


class Several:
    """Providers in order; what is sealed under none of them is KeyringForeign."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = tuple(providers)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self._providers

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._providers[0].wrap(key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        away: ProviderUnavailable | None = None
        for provider in self._providers:
            try:
                return provider.unwrap(wrapped, context)
            except KeyringForeign:
                continue
            except ProviderUnavailable as error:
                # It may be one of the others'; if it is not, the one that is away has to be waited for.
                away = away or error
        raise away or KeyringForeign()

    def health(self) -> None:
        """All of them: half a keyring is not enough."""
        for provider in self._providers:
            provider.health()

    def describe(self) -> str:
        return ", then the ".join(provider.describe() for provider in self._providers)
