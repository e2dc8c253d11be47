import { BrxyError } from '@brxy/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'

/** What a token allows. */
export interface Grant {
  /** Routes a linker with it may serve; `*` for any. */
  readonly routes: readonly string[]
  /** The launch it was made for. */
  readonly launch?: string
}

const AUDIENCE = 'brxy-tunnel'
const ALGORITHM = 'HS256'

/** Makes and checks the tokens of linkers: JWTs (RFC 7519), signed with the edge's secret. */
export class Tokens {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** @param lifeMs how long it may be used for a first HELLO. */
  async issue(grant: Grant, lifeMs: number): Promise<string> {
    return new SignJWT({
      routes: grant.routes,
      ...(grant.launch === undefined ? {} : { launch: grant.launch }),
    })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(new Date(Date.now() + lifeMs))
      .sign(this.#secret)
  }

  /** @throws BrxyError `token/missing`, `token/expired`, `token/forged` */
  async verify(token: string): Promise<Grant> {
    if (token === '')
      throw new BrxyError('token/missing', 'no token: set BRXY_TOKEN, or make one with `brxy token`')
    try {
      const { payload } = await jwtVerify(token, this.#secret, {
        audience: AUDIENCE,
        algorithms: [ALGORITHM],
        // A token without an end would be good for ever.
        requiredClaims: ['exp'],
      })
      const routes = payload.routes
      const launch = payload.launch
      if (!Array.isArray(routes) || !routes.every((route) => typeof route === 'string')) {
        throw new BrxyError('token/forged', 'the token names no routes')
      }
      return { routes, ...(typeof launch === 'string' ? { launch } : {}) }
    } catch (cause) {
      if (cause instanceof BrxyError) throw cause
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
