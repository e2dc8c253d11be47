// What the package `jose` is inside a simulation: tokens that cannot be forged by accident. The real ones are signed on
// other threads, and nothing in a world may take real time.
import { errors, type JWTPayload } from 'jose'

export { errors }

interface Rules {
  readonly audience: string
}

export class SignJWT {
  readonly #claims: JWTPayload

  constructor(claims: JWTPayload) {
    this.#claims = { ...claims }
  }

  setProtectedHeader(): this {
    return this
  }

  setAudience(audience: string): this {
    this.#claims.aud = audience
    return this
  }

  setIssuedAt(): this {
    this.#claims.iat = Math.floor(Date.now() / 1000)
    return this
  }

  setExpirationTime(at: Date): this {
    this.#claims.exp = Math.floor(at.getTime() / 1000)
    return this
  }

  async sign(secret: Uint8Array): Promise<string> {
    const body = Buffer.from(JSON.stringify(this.#claims)).toString('base64url')
    return `${body}.${markOf(body, secret)}`
  }
}

export async function jwtVerify(
  token: string,
  secret: Uint8Array,
  { audience }: Rules,
): Promise<{ payload: JWTPayload }> {
  const [body, mark] = token.split('.')
  if (mark !== markOf(body, secret)) throw new errors.JWSSignatureVerificationFailed()
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as JWTPayload
  if (payload.aud !== audience) throw new errors.JWTClaimValidationFailed('unexpected "aud"', payload, 'aud')
  if ((payload.exp ?? 0) * 1000 <= Date.now()) throw new errors.JWTExpired('expired', payload, 'exp')
  return { payload }
}

function markOf(body: string, secret: Uint8Array): string {
  let mark = 7
  for (const text of [body, Buffer.from(secret).toString('latin1')]) {
    for (let at = 0; at < text.length; at++) mark = (Math.imul(mark, 31) + text.charCodeAt(at)) >>> 0
  }
  return mark.toString(36)
}
