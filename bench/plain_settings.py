"""The portal's settings without anything around a view: what the rows of bench/pages.py are compared with."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.plain"
MIDDLEWARE: list[str] = []
