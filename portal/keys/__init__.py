"""The key room: the root key's provider, the keyring of puncturable epoch keys, wraps, door keys."""
