"""Sign-in at a provider by OpenID Connect: the code flow with PKCE, and which of its claims prove an address."""
