"""Addresses of what a brand's pages load."""

from django.urls import path

from branding import views

urlpatterns = [
    path("brand/<slug:slug>.<str:digest>.css", views.stylesheet, name="brand-css"),
    path("brand/<slug:slug>.<str:digest>.svg", views.mark, name="brand-mark"),
    path("brand/<slug:slug>/<str:digest>.<str:kind>", views.logo, name="brand-logo"),
    path("brand/<str:digest>.css", views.plain_stylesheet, name="plain-css"),
    path("brand/<str:digest>.js", views.script, name="script"),
]
