import { BrxyError } from '@brxy/protocol'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'

/** What a token of a linker allows. */
export interface Grant {
  /** Routes a linker with it may serve; `*` for any. */
  readonly routes: readonly string[]
  /** The launch it was made for. */
  readonly launch?: string
}

const TUNNEL = 'brxy-tunnel'
const ADMIN = 'brxy-admin'
const EDGE = 'brxy-edge'
const ALGORITHM = 'HS256'

/**
 * Makes and checks the tokens of linkers and operators: JWTs (RFC 7519), signed with the edge's secret. While a secret is
 * exchanged for another one, tokens of both are good.
 */
export class Tokens {
  #secret: Uint8Array
  #previous: Uint8Array | null = null

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** Signs with another secret from now on. Tokens of the last one stay good until the next change. */
  rotate(secret: Uint8Array): void {
    if (Buffer.compare(secret, this.#secret) === 0) return
    this.#previous = this.#secret
    this.#secret = secret
  }

  /** @param lifeMs how long it may be used for a first HELLO. */
  issue({ routes, launch }: Grant, lifeMs: number): Promise<string> {
    return this.#sign(TUNNEL, { routes, ...(launch === undefined ? {} : { launch }) }, lifeMs)
  }

  /** A token for the admin port. */
  issueAdmin(lifeMs: number): Promise<string> {
    return this.#sign(ADMIN, {}, lifeMs)
  }

  /** @throws BrxyError `token/missing`, `token/expired`, `token/forged` */
  async verify(token: string): Promise<Grant> {
    if (token === '')
      throw new BrxyError('token/missing', 'no token: set BRXY_TOKEN, or make one with `brxy token`')
    const { routes, launch } = await this.#verify(TUNNEL, token)
    if (!Array.isArray(routes) || !routes.every((route) => typeof route === 'string')) {
      throw new BrxyError('token/forged', 'the token names no routes')
    }
    return { routes, ...(typeof launch === 'string' ? { launch } : {}) }
  }

  /** What edges show one another: they share the secret. */
  issueEdge(lifeMs: number): Promise<string> {
    return this.#sign(EDGE, {}, lifeMs)
  }

  /** @throws BrxyError `token/missing`, `token/expired`, `token/forged`, `token/not-an-edge` */
  async verifyEdge(token: string): Promise<void> {
    if (token === '')
      throw new BrxyError('token/missing', 'no token: edges make one with the secret they share')
    try {
      await this.#verify(EDGE, token)
    } catch (error) {
      const isOurs = await this.#verify(TUNNEL, token).then(
        () => true,
        () => false,
      )
      if (isOurs)
        throw new BrxyError('token/not-an-edge', 'the token is one of a linker; only edges report demand')
      throw error
    }
  }

  /** @throws BrxyError `token/expired`, `token/forged` */
  async verifyAdmin(token: string): Promise<void> {
    await this.#verify(ADMIN, token)
  }

  #sign(audience: string, claims: JWTPayload, lifeMs: number): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(new Date(Date.now() + lifeMs))
      .sign(this.#secret)
  }

  async #verify(audience: string, token: string): Promise<JWTPayload> {
    try {
      return await this.#verifyWith(this.#secret, audience, token)
    } catch (error) {
      const isForeign = error instanceof BrxyError && error.code === 'token/forged'
      if (this.#previous === null || !isForeign) throw error
      return this.#verifyWith(this.#previous, audience, token)
    }
  }

  async #verifyWith(secret: Uint8Array, audience: string, token: string): Promise<JWTPayload> {
    try {
      // A token without an end would be good for ever.
      const rules = { audience, algorithms: [ALGORITHM], requiredClaims: ['exp'] }
      return (await jwtVerify(token, secret, rules)).payload
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) {
        const at =
          cause.payload.exp === undefined ? '' : ` at ${new Date(cause.payload.exp * 1000).toISOString()}`
        throw new BrxyError('token/expired', `the token expired${at}; make a new one with \`brxy token\``, {
          cause,
        })
      }
      throw new BrxyError('token/forged', 'the token was not signed with the secret of this edge', { cause })
    }
  }
}

/** Whether a grant covers a route. */
export function allowsRoute(grant: Grant, route: string): boolean {
  return grant.routes.includes(route) || grant.routes.includes('*')
}
