"""Signs of life that the health page reads."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """When a part of the product last proved that it works."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
