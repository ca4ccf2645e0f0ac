"""Signs of life that the health page reads, and turns that one process at a time has."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """When a part of the product last proved that it works."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()


class Turn(models.Model):
    """Whose turn it is to do what only one process at a time does, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()
