"""The organisation's people and groups, as rules ask for them: taken over from CSV, LDIF or SCIM."""
