"""Root keys that are kept elsewhere: key services and hardware, behind one guard (docs/keys.md)."""
