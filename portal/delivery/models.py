"""What is to leave by mail: a row each before any task, so that a lost bell rings again."""

from __future__ import annotations

import uuid

from django.db import models

from portal.vault.models import Reader

NO_LANE = uuid.UUID(int=0)
"""Mail from before lanes were kept, and the relay itself."""


class Outbound(models.Model):
    """One mail to one address. Its id makes its Message-ID, so that sending twice is seen as one."""

    class Kind(models.TextChoices):
        NOTICE = "notice"
        PASSCODE = "passcode"
        REPLY = "reply"
        """An answer written here, delivered into a mailbox of the organisation."""
        RELAY = "relay"
        """Mail that needed no protection, passed on from the spool."""
        TELLING = "telling"
        """Tells a sender in plain words that a mail of theirs waits or did not arrive; `subject_row` is that mail."""
        REPORT = "report"
        """The same for a RELAY, as a delivery status notification (RFC 3464)."""
        REFUSAL = "refusal"
        """To the sender of a mail that an administrator refused: why it did not go out."""
        INVITATION = "invitation"
        """To an administrator: their one-time sign-in link; `subject_row` is the person."""
        PASSKEY = "passkey"
        """Tells a recipient that a passkey was added for their address."""
        KEPT = "kept"
        """Tells a recipient that a browser which was new to us stays signed in."""
        ALARM = "alarm"
        """To an administrator: something began that needs them, or ended; `subject_row` is what is told of."""
        REMINDER = "reminder"
        """To a recipient: a message that they have not opened closes soon."""
        WITHDRAWN = "withdrawn"
        """To a recipient: a message was withdrawn; `subject_row` is the reader, who may be gone when it leaves."""
        NOTE = "note"
        """Tells whoever answered here that it was taken, without its text; the reader is their own copy's."""
        BRAND_TEST = "brand_test"
        """To an administrator: the notice of a brand's draft; `subject_row` is the person, `words` the brand."""
        REQUEST = "request"
        """To a sender: a confirmed person asks for a message at another address; `subject_row` is that request."""

        MORE_TIME = "more_time"
        """To a sender: a reader asks for a closed message to be opened again; `subject_row` is that request."""
        REOPENED = "reopened"
        """To a recipient who asked for it: the message is open again."""
        OPENED = "opened"
        """To a sender who asked for it: a recipient opened their message; `words` say how they had confirmed."""
        DIGEST = "digest"
        """The same for a day's openings; `subject_row` is their number (portal.access.openings)."""
        LARGE = "large"
        """To someone inside: the link to an answer that their mail server does not take for its size."""
        DELEGATED = "delegated"
        """To a sender: an administrator lets another act on what they send; `subject_row` is that delegation."""
        CORRECTED = "corrected"
        """To a sender: an administrator sent their message to a corrected address, the reader's; `subject_row` is the
        reader it was withdrawn from, `words` the reason."""
        MONTHLY = "monthly"
        """To an administrator: the figures of a month, which is `words`; `subject_row` is the person."""
        TIP = "tip"
        """To a sender: what a rule did with a mail of theirs, in the rule's own words."""

    class News(models.TextChoices):
        """What a TELLING or REPORT says, or what was heard of a mail after it had left (RFC 3464 section 2.3.3)."""

        FAILED = "failed"
        DELAYED = "delayed"
        DELIVERED = "delivered"
        RELAYED = "relayed"
        EXPANDED = "expanded"

    class State(models.TextChoices):
        DUE = "due"
        SENDING = "sending"
        """Handed to the relay now; after a crash here the mail may have left once already."""
        SENT = "sent"
        FAILED = "failed"
        """Refused for good; kept for an administrator."""
        DROPPED = "dropped"
        """No longer wanted, like a passcode whose time has passed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DUE)
    bulk = models.BooleanField(default=False, db_default=False)
    """Belongs to a bulk run: the queue `bulk` sends it, and ordinary mail goes first."""
    message = models.UUIDField(null=True, db_index=True)
    """The message, or for RELAY the spooled mail, that it belongs to."""
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True)
    subject_row = models.UUIDField(null=True)
    """The challenge a PASSCODE speaks of."""
    address = models.BinaryField()
    """Envelope recipient, sealed under the directory key (label "outbound")."""
    sender = models.BinaryField(default=b"")
    """Envelope sender of a RELAY, sealed likewise (label "outbound-sender")."""
    share = models.BinaryField(default=b"")
    """The reader's share of a split message, sealed to the door key until the mail has left or failed, then empty."""
    words = models.BinaryField(default=b"", db_default=b"")
    """What an administrator wrote into a REFUSAL, the browser that a PASSKEY or KEPT speaks of, or whose message
    a WITHDRAWN was; sealed likewise (label "outbound-words")."""
    door_key = models.CharField(max_length=10, default="", blank=True)
    """Id of the door key that `share` is sealed to; as long as a row names it, it is kept."""
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=120, blank=True)
    """Status code and enhanced code of the relay's last answer; never its free text, which may hold an address."""
    maybe_twice = models.BooleanField(default=False, db_default=False)
    """A try before the last one may have left unseen: its sender died, or no answer came to the whole mail."""

    lane = models.UUIDField(default=NO_LANE, db_default=NO_LANE)
    """The recipient's domain, as a keyed hash (portal.delivery.lanes)."""
    tls = models.CharField(max_length=12, default="", db_default="", blank=True)
    """The least protection on the way that this one mail asks for; empty for what its domain's policy says."""
    dsn = models.BinaryField(null=True)
    """What the sender of a RELAY asks to be told (portal.mime.dsn), sealed (label "outbound-dsn")."""
    news = models.CharField(max_length=9, choices=News.choices, default="", db_default="", blank=True)
    """Of a TELLING or REPORT: what it says. Of any other: what was heard of it after it had left."""
    heard = models.CharField(max_length=16, default="", db_default="", blank=True)
    """The status code (RFC 3463) that came with `news`."""
    told_delay_at = models.DateTimeField(null=True)
    told_failure_at = models.DateTimeField(null=True)
    """When its sender was told, once each."""

    ahead: object = None
    """No column: the Ahead (portal.delivery.ahead) that was read for it together with other mails, or None."""

    class Meta:
        indexes = [
            models.Index(fields=["state", "kind", "due_at"]),
            # Each look walks one kind in one state, lane by lane: it reads the rows it takes and few others.
            models.Index(fields=["bulk", "state", "kind", "lane", "due_at"], name="outbound_by_lane"),
            models.Index(fields=["leased_until"], name="delivery_ou_leased_idx"),
            # What did not arrive, by message, and what left for one domain: for administrators, and small or narrow.
            models.Index(
                fields=["-message", "kind"],
                name="outbound_bounced",
                condition=models.Q(state="failed") | models.Q(news="failed"),
            ),
            models.Index(fields=["lane", "sent_at"], name="outbound_sent", condition=models.Q(sent_at__isnull=False)),
        ]


class Lane(models.Model):
    """One domain that mail goes to, or with the nil id the relay; a row only once there is something to remember."""

    id = models.UUIDField(primary_key=True)
    name = models.BinaryField(default=b"")
    """The domain, sealed under the directory key (label "lane"); empty for the relay."""
    failures = models.PositiveSmallIntegerField(default=0)
    """Times in a row that it could not be reached or put all mail off; 0 after the next mail it takes."""
    rests_until = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=120, blank=True)
    last_at = models.DateTimeField(null=True)
    sts = models.BinaryField(default=b"")
    """Its MTA-STS policy (RFC 8461) as CBOR, sealed (label "lane-sts"); empty when none is known."""
    sts_until = models.DateTimeField(null=True)
    sts_failed_at = models.DateTimeField(null=True)
    """When fetching it failed the last time; null after it was fetched."""


class Bounce(models.Model):
    """Mail that one address does not get, for one reason: how often, and when last (portal.delivery.refusing)."""

    class Sort(models.TextChoices):
        HARD = "hard"
        """The address or its domain takes no mail."""
        SOFT = "soft"
        """Not now, like a full mailbox."""
        BLOCKED = "blocked"
        """Their server's policy refuses it."""
        REPUTATION = "reputation"
        """Our server, its name or its signature are not trusted there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    address_lookup = models.BinaryField(max_length=32)
    """As portal.vault.models.Reader has it."""
    address = models.BinaryField()
    """Sealed under the directory key (label "bounce-address")."""
    lane = models.UUIDField()
    sort = models.CharField(max_length=10, choices=Sort.choices)
    status = models.CharField(max_length=16)
    """Enhanced status code (RFC 3463), or what stands for it."""
    count = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    day = models.DateField()
    """The day (UTC) of the last one, and how many there were on it."""
    on_day = models.PositiveIntegerField(default=0)
    mail = models.UUIDField()
    """The last mail (Outbound) that it was about."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address_lookup", "status"], name="bounce_once_a_reason")]
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="bounce_newest"),
            models.Index(fields=["sort", "-last_at", "-id"], name="bounce_by_sort"),
            models.Index(fields=["day", "lane"], name="bounce_by_day"),
        ]


class Suppressed(models.Model):
    """An address that gets no mail until an administrator lifts that."""

    address_lookup = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    by = models.UUIDField()
    """The administrator's row."""
    reason = models.CharField(max_length=12)


class TlsResult(models.Model):
    """Sessions with one domain on one day by how its transport security went (RFC 8460 section 4.3)."""

    lane = models.UUIDField()
    day = models.DateField()
    result = models.CharField(max_length=40)
    """ "success" or a result type of RFC 8460 section 4.3."""
    policy = models.CharField(max_length=16)
    """ "tlsa", "sts" or "no-policy-found" (RFC 8460 section 4.2)."""
    sessions = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "day", "result", "policy"], name="tls_result_once")]


class DkimKey(models.Model):
    """A key that signs mail from one domain (RFC 6376); RSA with 2048 bits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    domain = models.CharField(max_length=253)
    selector = models.CharField(max_length=63)
    private = models.BinaryField()
    """The private key in DER (PKCS #8), sealed (label "dkim")."""
    public = models.TextField()
    """The value of p= in the DNS record, base64."""
    active = models.BooleanField(default=False)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once"),
            models.UniqueConstraint(fields=["domain"], condition=models.Q(active=True), name="one_active_dkim_key"),
        ]
