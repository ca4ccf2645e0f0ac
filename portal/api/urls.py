"""Addresses of the HTTP API."""

from django.urls import path

from portal.api import bulk, views

urlpatterns = [
    path("api/v1/messages", views.messages, name="api-messages"),
    path("api/v1/messages:bulk", bulk.messages, name="api-bulk"),
    path("api/v1/bulk/<uuid:id_>", bulk.run, name="api-bulk-run"),
]
