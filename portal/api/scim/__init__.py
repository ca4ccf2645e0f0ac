"""SCIM 2.0: an identity provider keeps the directory's people and groups up to date (RFC 7643, RFC 7644)."""
