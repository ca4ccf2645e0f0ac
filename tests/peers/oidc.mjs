// A certified OpenID Connect provider (npm oidc-provider) with one client; who signs in is who they say, by address.
const { default: Provider } = await import(new URL("../browser/node_modules/oidc-provider/lib/index.js", import.meta.url));
const [port, client_id, client_secret, redirect] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect] }],
  claims: { email: ["email", "email_verified"], openid: ["sub"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: true }) }),
  cookies: { keys: ["of this test alone"] },
});
provider.listen(Number(port), "127.0.0.1");
