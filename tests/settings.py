"""Letterlock's settings for tests inside the process: a data folder of its own for each process, gone afterwards."""

import atexit
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("LETTERLOCK_")]:
    if not _name.startswith("LETTERLOCK_SOAK_"):  # what tests/soak is told, not the product
        del os.environ[_name]
_data = tempfile.mkdtemp(prefix="letterlock-test-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["LETTERLOCK_DATA"] = _data
os.environ["TZ"] = "UTC"  # wherever the computer is
os.environ["LETTERLOCK_SMTP"] = "127.0.0.1:1"  # where nothing listens, also while somebody tries the demo
# Programs that a test starts run with the settings of the product.
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

from tests import secrecy  # noqa: E402

secrecy.listen()

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES, LETTERLOCK, STORAGES  # noqa: E402
from portal.values import Address  # noqa: E402

# Nothing listens there, whatever else runs on this computer: pages say that this process has no door.
LETTERLOCK = replace(LETTERLOCK, smtp=Address("127.0.0.1", 1))
Path(_data, "static").mkdir()  # WhiteNoise looks for it
# A file, not memory: the locks between connections are those of the product.
DATABASES["default"]["TEST"] = {"NAME": str(Path(_data) / "test.sqlite3")}
# The manifest of hashed names is made by `manage.py prepare`; pages must render without it here.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
