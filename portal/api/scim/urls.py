"""Addresses of SCIM."""

from django.urls import path

from portal.api.scim import group_views, user_views, views

urlpatterns = [
    path("scim/v2/Users", user_views.all_users, name="scim-users"),
    path("scim/v2/Users/<uuid:id_>", user_views.one_user, name="scim-user"),
    path("scim/v2/Groups", group_views.all_groups, name="scim-groups"),
    path("scim/v2/Groups/<uuid:id_>", group_views.one_group, name="scim-group"),
    path("scim/v2/ServiceProviderConfig", views.configuration, name="scim-configuration"),
    path("scim/v2/ResourceTypes", views.resource_types, name="scim-types"),
    path("scim/v2/ResourceTypes/<str:id_>", views.resource_types, name="scim-type"),
    path("scim/v2/Schemas", views.schemas, name="scim-schemas"),
    path("scim/v2/Schemas/<str:id_>", views.schemas, name="scim-schema"),
    path("scim/v2/<path:rest>", views.nothing, name="scim-nothing"),
]
