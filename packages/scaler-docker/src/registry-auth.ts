import type { AppOptions } from './options.ts'

/** The header that carries a registry's credentials (Engine API, "Authentication"); none without them. */
export function registryHeaders(auth: AppOptions['registryAuth']): Readonly<Record<string, string>> {
  if (auth === undefined) return {}
  const { username, password, identityToken, server } = auth
  const given = identityToken === undefined ? { username, password } : { identitytoken: identityToken }
  const json = JSON.stringify({ ...given, serveraddress: server })
  return { 'X-Registry-Auth': Buffer.from(json).toString('base64url') }
}
