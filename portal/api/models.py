"""Tokens that programs use."""

from __future__ import annotations

from django.db import models


class Token(models.Model):
    """A bearer token for the HTTP API. Only its digest is kept; it is shown once, when made."""

    name = models.CharField(max_length=80, unique=True)
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
