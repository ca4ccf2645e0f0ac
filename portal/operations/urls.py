"""Addresses of the health pages and the demo."""

from django.urls import include, path

from portal.operations import views

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("portal.operations.demo.urls")),
]
