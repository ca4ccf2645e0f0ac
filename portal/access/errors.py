"""What can stand between a person and their message, each with the sentence the page shows."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access.clock import clock, whole_minute


class AccessError(Exception):
    """The family of this room. No sentence holds a code, a token or an address."""

    @property
    def sentence(self) -> str:
        """What to tell the person."""
        return _("Something failed on our side.")

    def __str__(self) -> str:
        return self.sentence


class PasscodeRefused(AccessError):
    """The passcode page is shown again with the sentence."""

    left: str = ""
    """A second sentence: how many tries are left."""
    dead: bool = False
    """Nothing that is typed can help now; only a new passcode can."""


class NothingEntered(PasscodeRefused):
    @property
    def sentence(self) -> str:
        return _("Enter the 8 digits from the email.")


class NotEightDigits(PasscodeRefused):
    """Not counted as a guess: it could not have been one."""

    def __init__(self, entered: int) -> None:
        super().__init__()
        self.entered = entered

    @property
    def sentence(self) -> str:
        return _("A passcode has 8 digits. You entered {n}.").format(n=self.entered)


class WrongPasscode(PasscodeRefused):
    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = ngettext("You have {n} try left.", "You have {n} tries left.", left).format(n=left)

    @property
    def sentence(self) -> str:
        return _("That passcode is not right. Check the 8 digits and try again.")


class PasscodeDead(PasscodeRefused):
    dead = True

    @property
    def sentence(self) -> str:
        return _("That passcode no longer works after five tries. Ask for a new one.")


class PasscodeOld(PasscodeRefused):
    dead = True

    @property
    def sentence(self) -> str:
        return _("That passcode is too old. Ask for a new one.")


class PasscodeUsed(PasscodeRefused):
    dead = True

    @property
    def sentence(self) -> str:
        return _("That passcode has been used. Ask for a new one.")


class OtherBrowser(PasscodeRefused):
    """Said whatever was typed: whether the code is right elsewhere is nobody's business here."""

    dead = True

    @property
    def sentence(self) -> str:
        return _("This passcode was asked for in another browser. Ask for a new one here.")


class AskedTooSoon(PasscodeRefused):
    """A passcode was mailed less than a minute ago; it still works."""

    def __init__(self, sent_at: datetime, next_at: datetime) -> None:
        super().__init__()
        self.sent_at, self.next_at = sent_at, next_at

    @property
    def sentence(self) -> str:
        return _("We sent one at {time}. You can ask for another at {time2}.").format(
            time=clock(self.sent_at), time2=clock(whole_minute(self.next_at))
        )


class PasscodesOff(AccessError):
    """The organisation has people confirm in other ways."""

    @property
    def sentence(self) -> str:
        return _("Passcodes are switched off here. Choose another way to confirm.")


class TooManyTries(AccessError):
    """A budget is spent. Which one is not said, here or anywhere: that would tell a stranger what to try next."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until

    @property
    def sentence(self) -> str:
        return _(
            "To keep messages safe, only a few tries are allowed in a short time. You can try again at {time}."
        ).format(time=clock(whole_minute(self.until)))


class SessionOver(AccessError):
    """The browser was signed out while it proved something."""

    @property
    def sentence(self) -> str:
        return _("You were signed out. Confirm your address again.")


class FactorRefused(AccessError):
    """The form that asks for a second factor is shown again with the sentence."""


class NoFactorEntered(FactorRefused):
    @property
    def sentence(self) -> str:
        return _("Enter the 6 digits that your authenticator app shows.")


class WrongFactorCode(FactorRefused):
    @property
    def sentence(self) -> str:
        return _("That code is not right. Enter the 6 digits that your authenticator app shows now.")


class FactorCodeUsed(FactorRefused):
    """Each code counts once, so that nobody who looks on can use it again."""

    @property
    def sentence(self) -> str:
        return _("That code has been used. Wait until your app shows the next one.")


class TooManyCodes(FactorRefused):
    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until

    @property
    def sentence(self) -> str:
        return _("There have been too many tries. You can try again at {time}.").format(
            time=clock(whole_minute(self.until))
        )


class NoAuthenticator(FactorRefused):
    @property
    def sentence(self) -> str:
        return _("No authenticator app is set up. Set one up on the settings page.")


class AuthenticatorThere(FactorRefused):
    @property
    def sentence(self) -> str:
        return _("An authenticator app is set up already. Remove it before you set up another.")


class ProviderDown(AccessError):
    """A provider cannot be reached, or answers what nobody can use. `passcode` says whether there is one instead."""

    def __init__(self, name: str, *, passcode: bool = True) -> None:
        super().__init__()
        self.name, self.passcode = name, passcode

    @property
    def sentence(self) -> str:
        if not self.passcode:
            return _("{provider} did not answer. Try again in a few minutes.").format(provider=self.name)
        return _("{provider} did not answer. Use a passcode, or try again in a few minutes.").format(provider=self.name)


class SignInCancelled(AccessError):
    """The person turned back at the provider."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def sentence(self) -> str:
        return _("You did not finish signing in with {provider}. Choose a way to continue.").format(provider=self.name)


class SignInRefused(AccessError):
    """A provider's answer proves no address. `reason` is for the record, from a fixed list, and never for the page."""

    def __init__(self, name: str, reason: str = "", *, passcode: bool = True) -> None:
        super().__init__()
        self.name, self.reason, self.passcode = name, reason, passcode

    @property
    def sentence(self) -> str:
        if not self.passcode:
            return _("{provider} could not confirm that address.").format(provider=self.name)
        return _("{provider} could not confirm that address. Use a passcode instead.").format(provider=self.name)


class SignInOver(AccessError):
    """Nobody began this here, or it has ended: another browser, another brand, an old page, or a second use."""

    @property
    def sentence(self) -> str:
        return _("That sign-in was not begun in this browser, or it has ended. Open the link in your mail again.")


class ProviderUnusable(AccessError):
    """What an administrator said of a provider cannot be."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    @property
    def sentence(self) -> str:
        return self._sentence


class NotAPerson(AccessError):
    """A session was asked for the stand-in of unknown addresses; that is a mistake in the program."""

    @property
    def sentence(self) -> str:
        return _("Nobody has proved anything, so nobody can be signed in.")
