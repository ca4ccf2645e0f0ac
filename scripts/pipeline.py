"""Makes the diagram and tables of docs/pipeline.md from the state machine's own table (portal/ingest/states.py).

.venv/bin/python scripts/pipeline.py
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django  # noqa: E402

django.setup()

from portal.ingest.diagram import put_into  # noqa: E402

PAGE = ROOT / "docs" / "pipeline.md"

PAGE.write_text(put_into(PAGE.read_text()))
