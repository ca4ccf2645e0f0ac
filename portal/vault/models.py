"""Messages as stored: sealed containers, their readers, and each reader's wrap of the message key.

Clear columns are those that access control and housekeeping need (docs/sealed-format.md); all else is sealed.
"""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand
from portal.vault.reference import Reference


class Message(models.Model):
    """One sealed message. Its id is the id in the door's 250 answer."""

    class State(models.TextChoices):
        OPEN = "open"
        WITHDRAWN = "withdrawn"
        GONE = "gone"

    class Direction(models.TextChoices):
        OUT = "out"
        """Written inside the organisation, read here."""
        IN = "in"
        """Written here: an answer, or what someone writes to the organisation of their own accord."""

    class Delivery(models.TextChoices):
        LINK = "link"
        ATTACHMENT = "attachment"
        """The sealed streams travel with the notices, as message.html (portal.vault.parcels)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.OUT)
    rule = models.CharField(max_length=100, default="", db_default="", blank=True)
    """Name of the rule that asked for protection; empty for what was sealed before that was kept."""
    thread = models.UUIDField(db_index=True)
    """Id of the first message of the conversation."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    made_at = models.DateTimeField()
    open_until = models.DateTimeField(null=True)
    """Moment it closes; null means it stays open."""
    keys_until = models.DateTimeField(null=True)
    """Until when its keys outlive that moment, so that it can be opened again; null where they die with it."""
    rights = models.BinaryField()
    """Canonical CBOR of portal.vault.rights.Rights."""
    template = models.CharField(max_length=40, default="", db_default="", blank=True)
    """Short name of the RightsTemplate it was sealed under, as those it was sealed by named it; mostly none."""
    receipt = models.BooleanField(default=False, db_default=False)
    """Whether its sender is told by mail when a recipient opens it for the first time."""
    envelope = models.BinaryField()
    """Sender's name and address and the date, sealed under the directory key: shown before any proof."""
    mail_id_lookup = models.BinaryField(max_length=32, default=b"")
    """HMAC of the mail's Message-ID (label "mail-id"): an answer that names it belongs to this conversation."""
    split = models.CharField(max_length=6, default="", blank=True)
    """`strict` or `escrow`: its key needs a share that only a reader's notice holds. Wraps hold inner keys then."""
    padded_size = models.BigIntegerField()
    container = models.BinaryField()
    """CBOR map of stream name to sealed bytes, at most 256 KiB together; streams that are not here are blobs."""
    withdrawn_at = models.DateTimeField(null=True)
    """When it was withdrawn; nobody reads it from then on."""
    destroy_after = models.DateTimeField(null=True)
    """End of the grace period of a withdrawal, until which it can be undone."""
    held_at = models.DateTimeField(null=True)
    """Since when a legal hold keeps it from being destroyed, whatever else is asked; readers see nothing of that."""
    destroying_at = models.DateTimeField(null=True)
    """Claimed for destruction: from then on nothing adds a wrap, extends, holds or undoes."""
    destroyed_at = models.DateTimeField(null=True)
    """Keys, wraps and content are gone since then; this row is the tombstone."""
    reason = models.BinaryField(null=True)
    """Why it was withdrawn, sealed under the directory key (label "reason")."""
    delivery = models.CharField(
        max_length=10, choices=Delivery.choices, default=Delivery.LINK, db_default=Delivery.LINK.value
    )
    away_at = models.DateTimeField(null=True)
    """Since when its streams are only in the files that went with its notices; keys and readers stay."""

    class Meta:
        indexes = [
            models.Index(fields=["mail_id_lookup"]),
            # What administrators filter by. A page begins behind a message, so its id ends each of these.
            models.Index(fields=["-made_at", "-id"], name="message_newest"),
            models.Index(fields=["state", "-made_at", "-id"], name="message_by_state"),
            models.Index(fields=["rule", "-made_at", "-id"], name="message_by_rule"),
            models.Index(fields=["brand", "-made_at", "-id"], name="message_by_brand"),
            models.Index(Reference("id"), name="message_by_reference"),
            models.Index(
                fields=["destroy_after"],
                name="message_to_destroy",
                condition=models.Q(destroyed_at=None, destroy_after__isnull=False),
            ),
            models.Index(
                fields=["open_until"],
                name="message_to_close",
                condition=models.Q(destroyed_at=None, open_until__isnull=False),
            ),
            models.Index(
                fields=["destroyed_at"],
                name="message_destroyed",
                condition=models.Q(destroyed_at__isnull=False),
            ),
            models.Index(
                fields=["keys_until"],
                name="message_to_end",
                condition=models.Q(destroyed_at=None, keys_until__isnull=False),
            ),
            models.Index(
                fields=["destroying_at"],
                name="message_being_destroyed",
                condition=models.Q(destroyed_at=None, destroying_at__isnull=False),
            ),
            models.Index(
                fields=["made_at"],
                name="message_to_let_go",
                condition=models.Q(away_at=None, delivery="attachment"),
            ),
        ]

    @property
    def short_id(self) -> str:
        """What people can tell each other of it: the end of its id, for all begin with their time."""
        return self.id.hex[-8:]

    @property
    def is_approach(self) -> bool:
        """Whether it was written to the organisation of somebody's own accord: it is no answer to anything."""
        return self.direction == Message.Direction.IN and self.thread == self.id


class Epoch(models.Model):
    """An epoch that a message was ever wrapped under, with a number of the message in it; kept for destruction.

    Several in one epoch where the rights of some of its readers were narrowed (portal.vault.narrowing).
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="epochs")
    epoch = models.CharField(max_length=24)
    number = models.BigIntegerField()
    narrowed = models.BooleanField(default=False, db_default=False)
    """Made for readers whose rights were narrowed, and used for nobody else."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch", "number"], name="number_unique_in_its_epoch"),
        ]
        indexes = [models.Index(fields=["message", "epoch"], name="epoch_of_message")]


class Generation(models.Model):
    """An epoch's generation that a newer one has taken over; it stays for older backups, then is destroyed whole.

    Or one that was destroyed by hand: kept, so that an older keyring is brought in line.
    """

    epoch = models.CharField(max_length=24, unique=True)
    """The superseded one, like 2026-12-17.0."""
    superseded_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)


class Reader(models.Model):
    """One address that may read one message, by one link."""

    class Role(models.TextChoices):
        RECIPIENT = "recipient"
        AUTHOR = "author"
        """The person who wrote it; reads it, gets no notice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="readers")
    number = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.RECIPIENT)
    address = models.BinaryField()
    """Sealed under the directory key (label "reader")."""
    address_lookup = models.BinaryField(max_length=32)
    """HMAC of the normalised address (label "address")."""
    link = models.BinaryField()
    """The 22 characters, sealed under the directory key (label "link"): a dump of the database gives no link."""
    link_lookup = models.BinaryField(max_length=32, unique=True)
    split_key = models.BinaryField(max_length=60, default=b"")
    """The message key of a split message, sealed under this reader's inner key and share."""
    escrow = models.BinaryField(default=b"")
    """With `escrow`: that share, sealed to the recovery key."""
    first_opened_at = models.DateTimeField(null=True)
    rights = models.BinaryField(null=True)
    """As of the message, where this reader's own were changed since (portal.lifecycle.granting); else null."""
    hidden_at = models.DateTimeField(null=True)
    """Since when they do not want it in their list. It stays readable, and nothing of it is deleted."""
    indexed = models.BooleanField(default=False, db_default=False)
    """Whether it has search tokens; without, it is found by opening it."""
    withdrawn_at = models.DateTimeField(null=True)
    """These five as in Message, for this one reader."""
    destroy_after = models.DateTimeField(null=True)
    destroying_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    reason = models.BinaryField(null=True)

    parked: Parked | None = None
    """In memory only: the posted parcel by whose handle it was found. Then its message's streams are read from that."""
    handle: str = ""
    """In memory only: that handle, which stands in the place of the link in every address shown."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="reader_number_unique_in_message"),
            models.UniqueConstraint(fields=["message", "address_lookup"], name="one_reader_an_address"),
            models.CheckConstraint(condition=models.Q(number__lt=4096), name="reader_number_has_12_bits"),
        ]
        indexes = [
            models.Index(fields=["address_lookup", "message"]),
            models.Index(fields=["address_lookup", "role", "-message"], name="reader_by_role"),
            models.Index(
                fields=["destroy_after"],
                name="reader_to_destroy",
                condition=models.Q(destroyed_at=None, destroy_after__isnull=False),
            ),
        ]


class SearchToken(models.Model):
    """One beginning of one word in a message's sender or subject, as a keyed hash (portal.vault.searching)."""

    # Looked for by its token, so that is its place in the table; no number besides, for there are dozens a message.
    pk = models.CompositePrimaryKey("token", "reader")
    token = models.BinaryField(max_length=8)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="tokens")


class Phrase(models.Model):
    """The phrase agreed with one reader for one message, as it is checked; the phrase itself is nowhere."""

    reader = models.OneToOneField(Reader, on_delete=models.CASCADE, related_name="phrase")
    sealed = models.BinaryField()
    """Salt, Argon2id hash and hint, sealed under the directory key (label "phrase"): a dump is nothing to guess at."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Wrong ones so far, and those that are being looked at."""


class Wrap(models.Model):
    """The message key, wrapped for one reader under one epoch: 60 bytes."""

    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="wraps")
    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="wraps")
    wrapped = models.BinaryField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "epoch"], name="one_wrap_a_reader_and_epoch")]


class Leaf(models.Model):
    """A reader's leaf that is told apart from all others: made when their rights were narrowed, or left then.

    What was left is destroyed, or about to be, and nothing of that reader is ever wrapped under it again. The row
    stays, so that an older keyring is brought in line.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="leaves")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="leaves")
    due_at = models.DateTimeField(null=True)
    """From when on it is to be destroyed; null while it has not been left."""
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "reader"], name="leaf_once_a_reader")]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="leaf_to_destroy",
                condition=models.Q(destroyed_at=None, due_at__isnull=False),
            ),
        ]


class Blob(models.Model):
    """A stream too large for the container: one object in the blob store, named by this random id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="blobs")
    name = models.CharField(max_length=64)
    """Stream name, like `original` or `part/3`."""
    size = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "name"], name="stream_once_a_message")]


class Parked(models.Model):
    """A parcel that a browser posted: sealed bytes in the blob store for half an hour, or a failed post."""

    blob = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="+")
    """Whose message.html it was, as that says. Nothing is proved by it."""
    handle_lookup = models.BinaryField(max_length=32, null=True, unique=True)
    """HMAC of the handle (label "link"); null until all bytes are here."""
    network = models.BinaryField(max_length=32)
    """HMAC of the /24 or /64 it came from (label "network")."""
    size = models.BigIntegerField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["network", "expires_at"], name="parked_by_network")]


class Fetched(models.Model):
    """How many pictures of the internet were fetched for one network, or for the readers of one brand, in one span."""

    whose = models.BinaryField(max_length=32)
    """HMAC of which network or brand (label "fetched")."""
    span = models.DateTimeField()
    """When the span began."""
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["whose", "span"], name="fetched_once_a_span")]


class Unsent(models.Model):
    """What a person is writing and has not sent; on screens it is a draft (portal.vault.unsent)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="unsent")
    """Who writes it at which message; null for what is written to the organisation of somebody's own accord."""
    kind = models.CharField(max_length=7)
    """One of portal.vault.unsent.KINDS."""
    version = models.UUIDField()
    """Another with each change: a window that knows an older one learns that somebody else was at work."""
    words = models.BinaryField()
    """The sealed stream `words` of this row's id, under the message's key."""
    saved_at = models.DateTimeField(db_index=True)
    other = models.BinaryField(null=True)
    """The words that a window wrote over without having seen them, sealed as they were."""
    other_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "kind"], name="one_unsent_of_a_kind")]


class UnsentFile(models.Model):
    """A file that was added to it: a sealed stream in the blob store, named by this id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    unsent = models.ForeignKey(Unsent, on_delete=models.CASCADE, related_name="files")
    about = models.BinaryField()
    """Name, content type and size, the sealed stream `about` of this row's id."""


class Arriving(models.Model):
    """A file that is being added to it, piece by piece (portal.vault.arriving). Its id becomes its UnsentFile's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    unsent = models.ForeignKey(Unsent, on_delete=models.CASCADE, related_name="arriving")
    about = models.BinaryField()
    """Name, content type, size and when it was changed, the sealed stream `arriving` of this row's id."""
    have = models.BigIntegerField(default=0)
    """How many of its bytes are here."""
    touched_at = models.DateTimeField(db_index=True)


class ArrivingPiece(models.Model):
    """Some of its bytes: a sealed stream of this row's id, its file and its place, in the blob store under that id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    arriving = models.ForeignKey(Arriving, on_delete=models.CASCADE, related_name="pieces")
    start = models.BigIntegerField()
    size = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["arriving", "start"], name="piece_once_an_arriving_file")]


class Approach(models.Model):
    """Someone writes to the organisation of their own accord: a draft until their address is proved, then that it was
    sent. A day long, in which it counts for what one network and one address may send (portal.writing.approaches).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the browser's cookie, whose other half is the draft's key: nothing here opens it."""
    network = models.BinaryField(max_length=32, default=b"")
    """Keyed hash of the network it was begun from; empty where that is not known, or the address was proved before."""
    size = models.BigIntegerField(default=0)
    """Sealed bytes that are kept for it."""
    asked = models.BinaryField(max_length=32, default=b"")
    """Keyed hash of the address that was given last."""
    proved = models.BinaryField(max_length=32, default=b"")
    """The same of the address that was proved in this browser, if one was."""
    proved_at = models.DateTimeField(null=True)
    unsent = models.OneToOneField(Unsent, on_delete=models.SET_NULL, null=True, related_name="approach")
    made_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True)
    message = models.UUIDField(null=True)
    """What it became."""

    class Meta:
        indexes = [
            models.Index(fields=["network", "made_at"], name="approach_by_network"),
            models.Index(fields=["proved", "sent_at"], name="approach_by_address"),
        ]


class RightsTemplate(models.Model):
    """Rights with a name, which a sender, a rule or a brand chooses (portal.vault.templates). Never deleted: messages
    keep its short name, and rules name it."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        ARCHIVED = "archived"
        """Chosen by nobody any more; a rule or a brand that names it goes on."""

    class Closes(models.TextChoices):
        BRAND = "brand"
        """When the brand says, or the sender."""
        DAYS = "days"
        DATE = "date"
        NEVER = "never"

    slug = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(default=dict, blank=True)
    """What people call it, by language: {"en": "For the board"}. A built-in one has words of its own."""
    notes = models.JSONField(default=dict, blank=True)
    """What it means, likewise, in a sentence or two."""
    rights = models.JSONField(default=dict)
    """Every right and duty by its name in portal.vault.rights; one that is missing is refused."""
    level = models.PositiveSmallIntegerField(default=1)
    """Least assurance that reading takes (docs/assurance.md)."""
    closes = models.CharField(max_length=5, choices=Closes.choices, default=Closes.BRAND)
    open_days = models.PositiveSmallIntegerField(null=True, blank=True)
    """With `days`: 1 to 730 days after it is sent."""
    last_day = models.DateField(null=True, blank=True)
    """With `date`: the last day that it can be read on."""
    scope = models.JSONField(default=list, blank=True)
    """Domains and addresses of senders who may choose it, and groups as `group:NAME`; none for everyone."""
    state = models.CharField(max_length=9, choices=State.choices, default=State.PUBLISHED)
    place = models.PositiveSmallIntegerField(default=100)
    """Where it stands in the list, the lowest first."""
    version = models.PositiveIntegerField(default=1)
    """One more with every change, so that of two who change it at once the later is told."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(level__in=(1, 2, 3)), name="template_level_is_one")]

    def __str__(self) -> str:
        return f"rights template {self.slug}"
