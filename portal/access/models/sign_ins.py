"""Where people sign in with an account they have, and sign-ins that are on their way."""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand
from portal.vault.models import Reader


class Provider(models.Model):
    """Where people sign in with an account they have: Google, Microsoft, Yahoo, or an OpenID Connect issuer."""

    class Kind(models.TextChoices):
        GOOGLE = "google"
        MICROSOFT = "microsoft"
        YAHOO = "yahoo"
        OIDC = "oidc"
        """Any other, believed for the mail domains that its row names and for no other."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    slug = models.SlugField(max_length=40, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    """Which claims prove an address (portal.access.oidc.proofs)."""
    name = models.CharField(max_length=60)
    """As on the button: Continue with {name}."""
    issuer = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255)
    client_secret = models.BinaryField(default=b"")
    """Sealed (label "provider"); empty for a public client, which has none."""
    domains = models.JSONField(default=list)
    """Mail domains whose people are shown this button first; ["*"] of the kind `oidc` is any."""
    tenants = models.JSONField(default=dict)
    """Microsoft's tenants whose word on these domains is taken: {tenant id: [domain, ...]}."""
    brands = models.ManyToManyField(Brand, related_name="+")
    recipients = models.BooleanField(default=True)
    office = models.BooleanField(default=False)
    """Whether administrators may sign in here too."""
    senders = models.BooleanField(default=False, db_default=False)
    """Whether people inside the organisation may, to see what they sent (portal.access.senders)."""
    enabled = models.BooleanField(default=True)
    private = models.BooleanField(default=False)
    """Whether it may be at an address of the own network, as the administrator said when adding it."""
    known = models.BinaryField(default=b"")
    """What it published about itself (portal.access.oidc.known), sealed (label "provider-known")."""
    known_at = models.DateTimeField(null=True)
    down_until = models.DateTimeField(null=True)
    """Until then it is not asked again, after it did not answer."""
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over all that decides whom it may vouch for (portal.access.granted); one that does not fit vouches for nobody."""

    def __str__(self) -> str:
        return f"provider {self.slug}"


class SignIn(models.Model):
    """One way to a provider and back, for one browser: good once, and for ten minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    state = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the parameter `state`."""
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="+")
    """The message it was begun at; null on the neutral page, and for administrators and senders."""
    office = models.BooleanField(default=False)
    sender = models.BooleanField(default=False, db_default=False)
    """Whether it leads to what the person sent."""
    anew = models.BooleanField(default=False, db_default=False)
    """Whether the provider was told to ask who it is even if it knows."""
    goal = models.CharField(max_length=120, default="", db_default="", blank=True)
    """The page of the office that an administrator came from (portal.access.office)."""
    browser = models.BinaryField(max_length=32)
    """SHA-256 of the browser cookie that began it; it ends in that browser only."""
    network = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """Keyed hash of the IPv4 /24 or IPv6 /48 it was begun from; empty where that is not known."""
    secrets = models.BinaryField()
    """Nonce and PKCE verifier, sealed (label "sign-in"): the browser and the provider see their digests at most."""
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, default="", blank=True)
    """Why it proved nothing (portal.access.oidc.flow), for the page that says so."""
    address = models.BinaryField(default=b"")
    """Another address that was proved instead, sealed (label "sign-in-address")."""

    class Meta:
        indexes = [
            models.Index(fields=["browser", "-made_at"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["network", "expires_at"], name="sign_in_by_network"),
        ]

    def __str__(self) -> str:
        return f"sign-in {self.id}"
