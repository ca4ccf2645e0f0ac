"""The record of everything that matters."""
