"""What happened, in a sentence, for each kind of entry that the timeline of a message does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _lazy

from portal.operations import wording


def sentence(kind: str, facts: Mapping[str, Any]) -> str:
    """A kind in words, filled with what belongs into its sentence; an unknown one is read off its own name."""
    said = SENTENCES.get(kind)
    try:
        text = str(said) % facts if said else wording.sentence(kind, facts)
    except KeyError:
        text = f"{kind}."
    return text if text != f"{kind}." else _spelt(kind)


def _spelt(kind: str) -> str:
    """`folder.half_moved` as "Folder: half moved."."""
    room, _dot, what = kind.partition(".")
    return f"{room.replace('_', ' ').capitalize()}: {what.replace('_', ' ')}." if what else f"{room.capitalize()}."


SENTENCES: Mapping[str, Promise] = {
    "address.lifted": _lazy("Mail to an address goes out again."),
    "address.suppressed": _lazy("Mail to an address was stopped."),
    "admin.token_created": _lazy("A token of the HTTP API was made."),
    "admin.token_removed": _lazy("A token of the HTTP API was revoked."),
    "admin.token_renewed": _lazy("A token of the HTTP API got another secret."),
    "administrator.added": _lazy("Someone was made an administrator."),
    "administrator.entered": _lazy("An administrator signed in."),
    "administrator.invited": _lazy("A sign-in link was asked for, for an administrator."),
    "administrator.link_made": _lazy("A one-time sign-in link was made."),
    "administrator.link_sent": _lazy("The mail with a sign-in link was handed to the mail server."),
    "administrator.named": _lazy("The first administrator said their address."),
    "administrator.passkey_added": _lazy("An administrator added a passkey."),
    "administrator.passkey_refused": _lazy("An administrator’s passkey opened nothing."),
    "administrator.passkey_removed": _lazy("An administrator removed a passkey."),
    "administrator.password_ended": _lazy("A password ended, for there is a passkey now."),
    "administrator.password_failed": _lazy("A password or an app’s code was wrong for an administrator."),
    "administrator.password_set": _lazy("The first administrator set a password."),
    "administrator.removed": _lazy("Someone administers no more."),
    "administrator.role_changed": _lazy("An administrator was given another role."),
    "administrator.sign_in_refused": _lazy("A provider proved no address of an administrator."),
    "administrator.signed_out_elsewhere": _lazy("An administrator ended their other sessions."),
    "administrator.told": _lazy("The mail with an alarm was handed to the mail server."),
    "audit.check_asked": _lazy("A check of the whole record was asked for."),
    "audit.checked": _lazy("The record was held against what was signed."),
    "audit.erased": _lazy("Who and how was erased from entries about a reader."),
    "audit.exported": _lazy("The record was written to a file."),
    "authenticator.added": _lazy("Someone set up an authenticator app."),
    "authenticator.recovery_used": _lazy("Someone used a recovery code."),
    "authenticator.removed": _lazy("Someone removed their authenticator app."),
    "brand.added": _lazy("The brand “%(brand)s” was made."),
    "brand.archived": _lazy("The brand “%(brand)s” was archived: no new message takes it."),
    "brand.brought_back": _lazy("The brand “%(brand)s” is used again."),
    "brand.changed": _lazy("The brand “%(brand)s” was changed on the command line."),
    "brand.draft_discarded": _lazy("The draft of the brand “%(brand)s” was thrown away."),
    "brand.draft_saved": _lazy("The draft of the brand “%(brand)s” was changed."),
    "brand.published": _lazy("Another version of the brand “%(brand)s” is live."),
    "brand.rolled_back": _lazy("An old version of the brand “%(brand)s” is live again."),
    "brand.test_sent": _lazy("A test of the brand “%(brand)s” was handed to the mail server."),
    "brand.tested": _lazy("A test of the brand “%(brand)s” was asked for."),
    "bulk.confirmed": _lazy("An action over many messages was confirmed."),
    "bulk.finished": _lazy("An action over many messages came to its end."),
    "bulk.taken": _lazy("A bulk run was taken over: every mail of it is kept or refused."),
    "bulk.undo_asked": _lazy("An action over many messages is to be undone."),
    "connector.added": _lazy("A connector was made."),
    "connector.changed": _lazy("A connector was changed."),
    "connector.password_set": _lazy("A connector’s login got a new password."),
    "connector.removed": _lazy("A connector was removed."),
    "delivery.retried": _lazy("Mail that waited to leave was let try again at once."),
    "department.added": _lazy("A department that anyone may write to was made."),
    "department.changed": _lazy("A department that anyone may write to was changed."),
    "department.removed": _lazy("A department that anyone may write to was removed."),
    "directory.group_added": _lazy("A program added a group to the directory."),
    "directory.group_changed": _lazy("A program changed a group of the directory."),
    "directory.group_removed": _lazy("A program removed a group from the directory."),
    "directory.imported": _lazy("People and groups were taken over from a file."),
    "directory.person_added": _lazy("A program added somebody to the directory."),
    "directory.person_changed": _lazy("A program changed somebody in the directory."),
    "directory.person_removed": _lazy("A program removed somebody from the directory."),
    "dkim.key_made": _lazy("A key that signs mail was made."),
    "dkim.switched": _lazy("A key that signs mail was switched."),
    "doctor.returned": _lazy("The notice of a test message came back to the door."),
    "keys.backed_up": _lazy("A backup of the keyring was written."),
    "keys.drill_begun": _lazy("A recovery drill began."),
    "keys.drill_passed": _lazy("A recovery drill was passed: somebody has the private half."),
    "keys.ending_agreed": _lazy("A second administrator agreed that key %(epoch)s is destroyed; it is."),
    "keys.ending_asked": _lazy("An administrator wants key %(epoch)s destroyed for good."),
    "keys.ending_dropped": _lazy("Key %(epoch)s is to be destroyed no more."),
    "keys.epoch_destroyed": _lazy("Key %(epoch)s was destroyed."),
    "keys.generation_destroyed": _lazy("An old generation of key %(epoch)s was destroyed; a newer one took over."),
    "keys.moved": _lazy("A command moved the keyring to another root key."),
    "keys.restored": _lazy("The keyring was made from a backup."),
    "keys.root_renewed": _lazy("The keyring was sealed to a new root key."),
    "keys.rotated": _lazy("All open messages were moved to new keys."),
    "keys.rotation_begun": _lazy("New generations of keys were asked for."),
    "keys.verified": _lazy("Keys were tried, to see whether they open what they should."),
    "keys.work_asked": _lazy("Work on keys began."),
    "keys.work_paused": _lazy("Work on keys was paused, or goes on."),
    "message.brought_back": _lazy("A reader put it back into their list."),
    "message.hidden": _lazy("A reader took it out of their list."),
    "message.looped": _lazy("The door refused mail that goes round in a circle."),
    "messages.exported": _lazy("The list of messages was saved to a file."),
    "messages.searched": _lazy("Messages were looked for by what names people."),
    "passcodes.ceiling_over": _lazy("No more passcode mail than usual was asked for, for an hour."),
    "passcodes.ceiling_reached": _lazy("More passcode mail was asked for than strangers may cause."),
    "provider.added": _lazy("A place to sign in at was added: %(provider)s."),
    "provider.removed": _lazy("A place to sign in at was removed: %(provider)s."),
    "provider.secret_set": _lazy("A place to sign in at was given another secret: %(provider)s."),
    "provider.switched": _lazy("A place to sign in at was switched: %(provider)s."),
    "recipient.passkey_added": _lazy("A reader added a passkey."),
    "recipient.passkey_refused": _lazy("A reader’s passkey opened nothing."),
    "recipient.passkey_removed": _lazy("A reader removed a passkey."),
    "recipient.passkey_renamed": _lazy("A reader renamed a passkey."),
    "recipient.signed_out": _lazy("A reader signed out."),
    "recipient.told_reopened": _lazy("The mail that says it is open again was handed to the mail server."),
    "reports.exported": _lazy("A report was saved to a file."),
    "reports.mail_switched": _lazy("The monthly report by mail was switched."),
    "reports.mailed": _lazy("The monthly report was handed to the mail server."),
    "reports.rebuilt": _lazy("The reports’ counts were made anew from the record."),
    "retention.applied": _lazy("Old rows were deleted, as the settings say."),
    "retention.changed": _lazy("Old rows are kept for another number of days."),
    "rights_template.added": _lazy("The rights “%(template)s” were made."),
    "rights_template.archived": _lazy("The rights “%(template)s” were taken out of choice."),
    "rights_template.changed": _lazy("The rights “%(template)s” were changed."),
    "rights_template.published": _lazy("The rights “%(template)s” can be chosen again."),
    "rules.draft_discarded": _lazy("The draft of the rules was thrown away."),
    "rules.draft_saved": _lazy("The draft of the rules was changed."),
    "rules.kind_removed": _lazy("An own kind of sensitive information was deleted from the draft of the rules."),
    "rules.published": _lazy("Another version of the rules is live."),
    "rules.rule_removed": _lazy("A rule was deleted from the draft."),
    "grant.forged": _lazy("Somebody wrote the database: what nobody had set up, a way in or a brand, was refused."),
    "grants.dropped": _lazy("Rows by which somebody would have signed in were taken away on the command line."),
    "grants.renewed": _lazy("Rows by which people sign in, or mail is handed in, were sealed under a new secret."),
    "grants.renewing": _lazy("A new secret for the seals of such rows was begun on the command line."),
    "grants.sealed": _lazy("Rows by which people sign in, or mail is handed in, were sealed."),
    "session.forged": _lazy("Somebody wrote the database: a signed-in browser that nobody had signed in was ended."),
    "sender.asked_more_time": _lazy("The mail that asks a sender for more time was handed to the mail server."),
    "sender.delegate_added": _lazy("Somebody may act on what a sender sends."),
    "sender.delegate_removed": _lazy("Somebody acts for a sender no more."),
    "sender.entered": _lazy("A sender signed in to see what they sent."),
    "sender.sign_in_refused": _lazy("A provider proved no address, or one outside the organisation."),
    "sender.signed_out": _lazy("A sender signed out."),
    "sender.told_of_delegate": _lazy("The mail that tells a sender of a delegate was handed to the mail server."),
    "webhook.added": _lazy("A program is told what happens from now on."),
    "webhook.given_up": _lazy("A program was not told of something, and that is given up."),
    "webhook.redelivered": _lazy("What a program was told is sent again."),
    "webhook.removed": _lazy("A program is told nothing any more."),
    "webhook.secret_renewed": _lazy("A webhook got another secret."),
    "webhook.switched": _lazy("A webhook was switched."),
}
