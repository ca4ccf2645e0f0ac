"""Addresses of the brands' pages."""

from django.urls import path

from portal.console import (
    brand_addresses,
    brand_editor,
    brand_logo,
    brand_preview,
    brand_publishing,
    brand_sections,
    brand_words,
    brands,
)
from portal.console.sections import BRANDS

_BRAND = "admin/brands/<slug:slug>/"

urlpatterns = [
    path("admin/brands/", brands.brands, name=BRANDS),
    path("admin/brands/add/", brands.add, name="brand-add"),
    path(_BRAND, brand_editor.page(brand_sections.look), name="brand"),
    path(f"{_BRAND}words/", brand_words.page, name="brand-words"),
    path(f"{_BRAND}confirm/", brand_editor.page(brand_sections.confirm), name="brand-confirm"),
    path(f"{_BRAND}defaults/", brand_editor.page(brand_sections.defaults), name="brand-defaults"),
    path(f"{_BRAND}addresses/", brand_editor.page(brand_sections.addresses), name="brand-addresses"),
    path(f"{_BRAND}legal/", brand_editor.page(brand_sections.legal), name="brand-legal"),
    path(f"{_BRAND}logo/", brand_logo.logo, name="brand-logo"),
    path(f"{_BRAND}picture/", brands.picture, name="brand-picture"),
    path(f"{_BRAND}preview/", brand_preview.preview, name="brand-preview"),
    path(f"{_BRAND}contrast/", brand_editor.contrast_typed, name="brand-contrast"),
    path(f"{_BRAND}certificate/", brand_addresses.certificate, name="brand-certificate"),
    path(f"{_BRAND}dns/", brand_addresses.dns, name="brand-dns"),
    path(f"{_BRAND}key/", brand_addresses.make_key, name="brand-key"),
    path(f"{_BRAND}key/use/", brand_addresses.use_key, name="brand-key-use"),
    path(f"{_BRAND}publish/", brand_publishing.publish, name="brand-publish"),
    path(f"{_BRAND}discard/", brand_publishing.discard, name="brand-discard"),
    path(f"{_BRAND}catch-up/", brand_publishing.catch_up, name="brand-catch-up"),
    path(f"{_BRAND}versions/", brand_publishing.history, name="brand-versions"),
    path(f"{_BRAND}roll-back/", brand_publishing.roll_back, name="brand-roll-back"),
    path(f"{_BRAND}test/", brand_publishing.test, name="brand-test"),
    path(f"{_BRAND}archive/", brands.archive, name="brand-archive"),
]
