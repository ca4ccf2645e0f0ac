"""Brands: look, words, hosts."""
