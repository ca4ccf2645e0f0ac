"""Everything that leaves by mail."""
