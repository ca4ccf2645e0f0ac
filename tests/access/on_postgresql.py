"""Settings for tests on the PostgreSQL that TEST_POSTGRESQL_URL names."""

import os

import dj_database_url

from tests.settings import *  # noqa: F403

DATABASES = {"default": dict(dj_database_url.parse(os.environ["TEST_POSTGRESQL_URL"]))}
