"""What the editor of rules calls conditions, actions, fields and choices. What has no words here shows its own name."""

from __future__ import annotations

from django.utils.translation import gettext as _


def _worded(words: dict[str, str], name: str) -> str:
    return words.get(name) or name.replace("_", " ").capitalize()


def group(name: str) -> str:
    """Where the select of conditions lists one."""
    return _worded(
        {
            "sender": _("Sender"),
            "recipient": _("Recipients"),
            "text": _("Subject and text"),
            "header": _("Headers and labels"),
            "file": _("Files"),
            "mail": _("The mail as a whole"),
        },
        name,
    )


def joined(name: str) -> str:
    return {"all": _("All of these hold"), "any": _("Any of these holds"), "none": _("None of these holds")}[name]


def condition(name: str) -> str:
    return _worded(
        {
            "sender_address": _("The sender is"),
            "sender_domain": _("The sender’s domain is"),
            "sender_words": _("The sender’s address has words"),
            "sender_patterns": _("The sender’s address matches a pattern"),
            "sender_group": _("The sender is in a group"),
            "sender_attribute": _("The directory says of the sender"),
            "sender_is": _("The sender is inside or outside"),
            "sender_network": _("It comes from a network"),
            "management": _("The sender is a recipient’s manager, or the other way round"),
            "manager_address": _("The manager of sender or recipient is"),
            "same_attribute": _("The directory says the same of sender and recipient, or not"),
            "sender_overrides": _("The sender sends it anyway"),
            "recipient_address": _("A recipient is"),
            "recipient_domain": _("A recipient’s domain is"),
            "recipient_words": _("A recipient’s address has words"),
            "recipient_patterns": _("A recipient’s address matches a pattern"),
            "recipient_group": _("A recipient is in a group"),
            "recipient_attribute": _("The directory says of a recipient"),
            "recipient_is": _("A recipient is inside or outside"),
            "subject_words": _("The subject has words"),
            "subject_patterns": _("The subject matches a pattern"),
            "subject_tag": _("The subject has a tag in square brackets"),
            "text_words": _("The subject or text has words"),
            "text_patterns": _("The subject or text matches a pattern"),
            "sensitive": _("It holds sensitive information"),
            "header_exists": _("A header is there"),
            "header_is": _("A header is"),
            "header_words": _("A header has words"),
            "header_patterns": _("A header matches a pattern"),
            "label": _("The sensitivity label is"),
            "classification": _("It is classified"),
            "no_classification": _("It is not classified"),
            "charset_words": _("Its character set has words"),
            "spam_score": _("The spam score is at least"),
            "file_name_patterns": _("A file’s name matches a pattern"),
            "file_extension": _("A file’s name ends in"),
            "file_type": _("A file is of a type"),
            "file_size_over": _("A file is larger than"),
            "file_count_over": _("There are more files than"),
            "file_words": _("A file’s text has words"),
            "file_patterns": _("A file’s text matches a pattern"),
            "file_is": _("A file is locked, unreadable or a program"),
            "file_property": _("A document’s property has words"),
            "everything": _("It is any mail"),
            "size_over": _("The mail is larger than"),
            "importance": _("The importance is"),
            "sensitivity": _("The sensitivity is"),
            "message_type": _("The mail is of a kind"),
            "asked_by_header": _("A trusted program asks by header"),
            "answers_protected": _("It answers a protected message"),
            "written_here": _("It was written in the portal"),
        },
        name,
    )


def action(name: str) -> str:
    return _worded(
        {
            "refuse": _("Refuse it"),
            "hold": _("Hold it for approval"),
            "drop": _("Delete it and tell nobody"),
            "protect": _("Protect it"),
            "remove_protection": _("Take our own protection off"),
            "require_tls": _("Pass it on only over verified TLS"),
            "pass_on": _("Pass it on as it is"),
            "disclaimer": _("Add a text"),
            "copy_to": _("Send a copy"),
            "redirect_to": _("Send it to others instead"),
            "add_header": _("Add a header"),
            "remove_header": _("Remove a header"),
            "set_classification": _("Classify it"),
            "set_spam_confidence": _("Set the spam confidence"),
            "prepend_subject": _("Put words before the subject"),
            "tag": _("Note a tag in the record"),
            "notify_sender": _("Tell the sender"),
            "set_severity": _("Note a severity"),
            "incident_report": _("Report it to somebody inside"),
            "stop": _("Stop after this rule"),
        },
        name,
    )


def field(name: str, of: str = "") -> str:
    return _worded(
        {
            "values": _("Values"),
            "where": _("Where"),
            "of": _("How many"),
            "place": _("Which"),
            "attribute": _("What it says (like department)"),
            "name": _("Name of the header") if "header" in of or "spam" in of else _("Name"),
            "bytes": _("Size"),
            "number": _("Number"),
            "at_least": _("At least"),
            "label": _("Id of the label"),
            "tenant": _("Id of the tenant"),
            "types": _("Kinds"),
            "anywhere": _("Wherever it goes, also inside"),
            "text": _("Text"),
            "template": _("Rights"),
            "brand": _("Brand"),
            "open": _("Open for"),
            "level": _("How sure of the reader"),
            "split": _("Split key"),
            "delivery": _("Delivered as"),
            "as_asked": _("As the header asks"),
            "override": _("Its sender may send it anyway"),
            "also_asked": _("Also what a trusted program asks to protect by header"),
            "manager": _("The manager of its sender"),
            "sender_is": _("The sender is"),
            "whose": _("Manager of"),
            "severity": _("Severity"),
            "parts": _("What it tells"),
            "are": _("Which"),
            "if_signed": _("If it is signed or encrypted"),
            "at": _("Place"),
            "addresses": _("People inside who may approve it, besides administrators")
            if of == "hold"
            else _("Addresses"),
            "value": _("Value"),
            "id": _("Short name"),
            "from": _("First day"),
            "until": _("Last day"),
            "note": _("Note"),
            "state": _("State"),
            "when": _("When"),
            "except": _("Except"),
            "then": _("Then"),
        },
        name,
    )


def hint(name: str, kind: str, of: str = "") -> str:
    """What a field takes, by its name or else by its kind; `of` is the condition or action."""
    if of == "disclaimer" and name == "text":
        return _("Of its sender, as the directory has it: {tokens}. What it does not say is left empty.").format(
            tokens="%%DisplayName%%, %%Title%%, %%Department%%, %%Company%%, %%Office%%, %%City%%, %%Country%%, "
            "%%Manager%%, %%Email%%"
        )
    said = {
        "bytes": _("Bytes, or like 500 KB or 20 MB."),
        "open": _("1 to 730 days, or never. Empty is as the brand says."),
        "split": _(
            "Half of the key is only in the notice, so nobody here can open the message. A notice that is lost is then "
            "a message that is lost, or with escrow given back by the recovery key."
        ),
        "as_asked": _("Rights, date, split and delivery come from X-Letterlock-Protect."),
        "tenant": _("May be left empty."),
        "manager": _("As the directory says; whoever it names outside the organisation gets nothing."),
        "override": _("One of your own people, by [override] at the beginning of the subject; the record notes it."),
    }
    by_kind = {
        "words": _("One on each line. Whole words, whatever their case."),
        "patterns": _("One RE2 pattern on each line. They take time linear in the text; no look-around."),
        "addresses": _("One on each line."),
        "domains": _("One on each line; what lies in a domain counts as well."),
        "networks": _("One on each line, like 192.0.2.0/24."),
        "slugs": _("One on each line: small letters, digits and hyphens."),
        "extensions": _("One on each line, like docx."),
        "types": _("One on each line, like application/pdf or image/*."),
        "guid": _("Like 0a1b2c3d-0000-4000-8000-000000000000."),
    }
    return said.get(name) or by_kind.get(kind, "")


def choice(value: str) -> str:
    return _worded(
        {
            "envelope": _("In the envelope"),
            "header": _("In From"),
            "either": _("In the envelope or From"),
            "to": _("In To"),
            "cc": _("In Cc"),
            "to_or_cc": _("In To or Cc"),
            "any": _("Any of them"),
            "every": _("Every one of them"),
            "low": _("Low"),
            "medium": _("Medium"),
            "high": _("High"),
            "recipients": _("Those it goes to, 10 at most"),
            "bcc": _("Those in Bcc"),
            "subject": _("Its subject"),
            "severity": _("The severity"),
            "rules": _("The rules that matched"),
            "sensitive": _("Which sensitive information, and how much"),
            "override": _("Whether its sender sent it anyway"),
            "original": _("The mail itself, attached"),
            "sender": _("Its sender"),
            "recipient": _("A recipient"),
            "report_of": _("Somebody whom a recipient manages"),
            "manager_of": _("The manager of a recipient"),
            "equal": _("The same"),
            "not_equal": _("Something else"),
            "inside": _("Inside the organisation"),
            "outside": _("Outside the organisation"),
            "password_protected": _("Locked by a password"),
            "unreadable": _("Cannot be read"),
            "executable": _("A program"),
            "auto_reply": _("An automatic answer"),
            "auto_forward": _("Forwarded by a machine"),
            "bounce": _("A bounce"),
            "calendar": _("An invitation"),
            "encrypted": _("Encrypted already (S/MIME or OpenPGP)"),
            "permission_controlled": _("Protected by another system"),
            "receipt": _("A receipt"),
            "signed": _("Signed"),
            "voicemail": _("A voice message"),
            "link": _("A link"),
            "attachment": _("An attached file"),
            "wrap": _("Attach the mail whole"),
            "ignore": _("Leave the text out"),
            "refuse": _("Refuse it"),
            "end": _("At the end"),
            "beginning": _("At the beginning"),
        },
        value,
    )
