"""Letterlock: a self-hosted portal for encrypted mail."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
