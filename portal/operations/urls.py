"""Addresses of the health page and the demo."""

from django.urls import include, path

from portal.operations import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("", include("portal.operations.demo.urls")),
]
