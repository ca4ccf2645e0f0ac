"""The portal's settings with the yardsticks among its pages: bench/plain.py behind the portal's own middleware."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.plain"
