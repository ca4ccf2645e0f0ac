"""Django's settings, made from Letterlock's own (portal/configuration.py)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.functional import SimpleLazyObject

from portal import configuration

BASE_DIR = Path(__file__).resolve().parent.parent
LETTERLOCK = configuration.read(os.environ)


def _secret_key() -> str:
    from portal.keys.service import keys  # only now: it reads these settings

    return keys().secret("django").hex()


# Lazy, because the SMTP door must run on a host that can open no key at all.
SECRET_KEY: Any = SimpleLazyObject(_secret_key)
DEBUG = False
# Hosts come from the registered brands; branding.hosts answers 400 to any other.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "django_otp",
    "csp",
    "portal.audit",
    "branding",
    "portal.vault",
    "portal.delivery",
    "portal.access",
    "portal.rules",
    "portal.ingest",
    "portal.lifecycle",
    "portal.directory",
    "portal.reading",
    "portal.sent",
    "portal.writing",
    "portal.console",
    "portal.api",
    "portal.operations",
]

MIDDLEWARE = [
    "portal.operations.middleware.Requests",
    "django.middleware.security.SecurityMiddleware",
    "portal.operations.middleware.ResponseHeaders",
    "branding.middleware.BrandOfHost",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "branding.middleware.LanguageOfReader",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.access.middleware.SignedInPerson",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "access.Person"
AUTHENTICATION_BACKENDS: list[str] = []
# For connectors that log in; memory-hard, and in OpenSSL, so that it needs no library more.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csrf",
                "django.template.context_processors.i18n",
                "branding.context.brand",
                "portal.access.context.person",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "branding.templatetags.icons"],
        },
    }
]

_SQLITE = {
    # One writer at a time, decided when a transaction begins, so that no transaction fails halfway for a lock;
    # FULL because a committed row is what lets the door say 250 (P1). Nothing temporary reaches the disk (P2).
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;"
    ),
}
_database: dict[str, Any] = dict(
    dj_database_url.parse(LETTERLOCK.database_url, conn_max_age=300, conn_health_checks=True)
)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {**_database.get("OPTIONS", {}), **_SQLITE}
    _database["CONN_HEALTH_CHECKS"] = False
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
# Their names, and how each says a day, are in branding/languages.py; a test holds the two together.
_CODES = ("en-gb", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "uk", "tr", "ar", "he", "hi", "ja", "zh-hans")
LANGUAGES = [(code, code) for code in _CODES]
CATALOGUES = BASE_DIR / "locale"
# Made from the catalogues by `prepare`; an image is built with them made already, like the static files below.
BUILT_WORDS = BASE_DIR / "words"
LOCALE_PATHS = [BUILT_WORDS if BUILT_WORDS.is_dir() else LETTERLOCK.data / "words"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("TZ") or "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# An image is built with them made already, for its file system cannot be written when it runs.
BUILT_STATIC = BASE_DIR / "staticfiles"
STATIC_ROOT = BUILT_STATIC if BUILT_STATIC.is_dir() else LETTERLOCK.data / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Nothing that a person uploads may reach a temporary file in clear (P2): this handler is the only one.
FILE_UPLOAD_HANDLERS = ["portal.writing.uploads.SealedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000  # a rule of 200 conditions is a form of so many
DATA_UPLOAD_MAX_NUMBER_FILES = 25

# An http loopback address (the demo) cannot have the __Host- prefix: Safari refuses it there.
COOKIE_PREFIX = "__Host-" if LETTERLOCK.https else ""
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrf"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = LETTERLOCK.https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.reading.failures.page_too_old"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}language"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63_072_000 if LETTERLOCK.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = LETTERLOCK.https
SECURE_HSTS_PRELOAD = LETTERLOCK.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if LETTERLOCK.https else None
# The TLS proxy in front redirects; answering http here would loop behind one that does not set the header.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W002"]  # W008: see above. W002: frame-ancestors in the CSP rules.

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "portal.operations.logs.PlainFormatter"},
        "json": {"()": "portal.operations.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LETTERLOCK.log_format,
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # The request line holds the link; status and reference are logged by our own failure pages.
        "django.request": {"handlers": ["console"], "level": "CRITICAL", "propagate": False},
        "django.security": {"handlers": ["console"], "level": "CRITICAL", "propagate": False},
        "mail.log": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
