"""What a reader will be asked for at a notice's link. Who knows it is a room above, which registers how to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.vault.models import Reader


@dataclass(frozen=True)
class AsksFor:
    """What a reader will be asked for at the link, as far as their notice says it."""

    passcode: bool
    provider: str
    """The shown name of the one provider that fits their address; "" for none."""

    @property
    def sentence(self) -> str:
        """For somebody who wonders whether the mail is genuine."""
        if self.passcode and self.provider:
            said = _("You will be asked for a one-time passcode or to sign in with {provider}.")
        elif self.provider:
            said = _("You will be asked to sign in with {provider}.")
        elif self.passcode:
            said = _("You will be asked for a one-time passcode.")
        else:
            said = _("You will be asked to sign in with an account that has this address.")
        return said.format(provider=self.provider)


def _passcode_alone(readers: Sequence[Reader]) -> Sequence[AsksFor]:
    return [AsksFor(passcode=True, provider="")] * len(readers)


_asks: Callable[[Sequence[Reader]], Sequence[AsksFor]] = _passcode_alone


def register(asks: Callable[[Sequence[Reader]], Sequence[AsksFor]]) -> None:
    """Name who knows what readers will be asked for, in AppConfig.ready(): that is decided in a room above."""
    global _asks
    _asks = asks


def of_readers(readers: Sequence[Reader]) -> Sequence[AsksFor]:
    """Of each, in the order of the readers; a passcode alone, where nobody has said more. Raises the keys' errors."""
    return _asks(readers)
