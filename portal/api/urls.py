"""Addresses of the HTTP API: those of the table, the document that describes them, and nothing else."""

from __future__ import annotations

import re

from django.urls import path

from portal.api import document
from portal.api.endpoint import Endpoint, nothing
from portal.api.routes import BASE, addresses

urlpatterns = [
    path(f"{BASE[1:]}/", document.page, name="api-page"),
    path(f"{BASE[1:]}/openapi.json", document.openapi, name="api-openapi"),
    *(
        path(
            BASE[1:] + re.sub(r"{(.*?)}", r"<str:\1>", address),
            Endpoint(routes),
            name="api" + re.sub(r"[^a-z]+", "-", address).rstrip("-"),
        )
        for address, routes in addresses().items()
    ),
    path(f"{BASE[1:]}/<path:rest>", nothing, name="api-nothing"),
]
