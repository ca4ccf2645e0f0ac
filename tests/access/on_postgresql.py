"""Settings for tests on the PostgreSQL that TEST_POSTGRESQL_URL names."""

import os

import dj_database_url

from tests.settings import *  # noqa: F403

DATABASES = {"default": dict(dj_database_url.parse(os.environ["TEST_POSTGRESQL_URL"]))}
# With --reuse-db: the tables are there, as in tests/conftest.py.
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
