"""Reads, builds and cleans mail (RFC 5322, MIME, HTML bodies): pure functions on bytes and text."""
