"""The portal's settings without anything around a view: what the rows of bench/pages.py are compared with."""

from portal.settings import *  # noqa: F403
from portal.settings import MIDDLEWARE

ROOT_URLCONF = "bench.plain"
MIDDLEWARE.clear()
