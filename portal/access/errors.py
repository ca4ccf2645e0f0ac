"""What can stand between a person and their message, each with the sentence the page shows (ux.md section 7)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


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


class OfficeRefused(AccessError):
    """Something that cannot be done with the list of administrators."""


class AlreadyAdministrator(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("This address is an administrator’s already. Give another, or change its role under People.")


class NotAnAdministrator(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("This person is no administrator any more. Load the list again.")


class NotLetIn(OfficeRefused):
    """One sentence for every reason: which part was wrong, or whether a budget is spent, is nobody's business."""

    @property
    def sentence(self) -> str:
        return _("That did not let you in. Check what you typed; after many tries, wait an hour.")


class PasswordClosed(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Passwords are not used here any more. Sign in with a passkey or with your organisation’s account.")


class PasswordTooShort(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Use at least 12 characters. Four words that do not belong together are easy to remember.")


class PasswordTooLong(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("Use at most 200 characters.")


class PasswordTooCommon(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("That password is among the first that are tried. Choose another.")


class LastOwner(OfficeRefused):
    @property
    def sentence(self) -> str:
        return _("There must be one owner. Make someone else an owner first.")


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


def clock(moment: datetime) -> str:
    """A time as pages say it: 14:48, where the portal stands."""
    return timezone.localtime(moment).strftime("%H:%M")


def whole_minute(moment: datetime) -> datetime:
    """The same moment or the next full minute after it: who comes back when the page says must not be early."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)
