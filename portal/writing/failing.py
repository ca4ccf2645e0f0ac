"""What may fail while something is kept or sent, and is worth another try."""

from __future__ import annotations

from django.db import DatabaseError

from portal.ingest.errors import IngestError
from portal.keys.errors import KeysError
from portal.vault.errors import VaultError

NOT_NOW = (OSError, DatabaseError, IngestError, KeysError, VaultError)
