"""Why a passkey opens nothing or is not kept, each with the sentence that the page shows."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.access.errors import AccessError


class PasskeyRefused(AccessError):
    """A passkey opens nothing; the page that offered it is shown again with the sentence."""


class PasskeysOff(PasskeyRefused):
    @property
    def sentence(self) -> str:
        return _("Passkeys are not used here. Confirm in another way.")


class ChallengeOver(PasskeyRefused):
    """Asked in another browser or for something else, answered before, or too long ago."""

    @property
    def sentence(self) -> str:
        return _("That took too long, or was tried before. Try again.")


class PasskeyWrong(PasskeyRefused):
    """Malformed, from another site, without the person being verified, or not signed by the key. Which is not said."""

    @property
    def sentence(self) -> str:
        return _("This passkey could not be checked. Try again, or confirm in another way.")


class PasskeyUnknown(PasskeyRefused):
    @property
    def sentence(self) -> str:
        return _("This passkey is not known here; it may have been removed. Confirm in another way.")


class PasskeyAsleep(PasskeyRefused):
    """Its counter went backwards once: there may be a copy of the authenticator (WebAuthn Level 2 section 6.1.1)."""

    @property
    def sentence(self) -> str:
        return _(
            "This passkey no longer works, because there may be a copy of it. "
            "Confirm in another way, then remove it in your settings and add a new one."
        )


class MailboxNotProved(PasskeyRefused):
    """The last proof of the mailbox by this passkey's holder is too long ago."""

    @property
    def sentence(self) -> str:
        return _(
            "Twice a year we ask you to confirm in another way, because a mailbox can change hands. "
            "Do that here, and your passkey works again."
        )


class TooManyPasskeys(PasskeyRefused):
    @property
    def sentence(self) -> str:
        return _("You have as many passkeys as can be kept. Remove one first.")


class TooManyAdded(PasskeyRefused):
    @property
    def sentence(self) -> str:
        return _("You have added as many passkeys as can be added in a day. Try again tomorrow.")


class PasskeyThere(PasskeyRefused):
    @property
    def sentence(self) -> str:
        return _("This passkey is here already.")


class ProofTooOld(PasskeyRefused):
    """A session left open on a desk must not be enough to add a key that lasts, or to take one away."""

    @property
    def sentence(self) -> str:
        return _("Before you change your passkeys, confirm your address again.")
