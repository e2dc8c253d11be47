import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { allowsRoute, Tokens } from './tokens.ts'

const SECRET = new TextEncoder().encode(
  'a secret for tests only, long enough for every algorithm that there is!',
)
const tokens = new Tokens(SECRET)

/** A token like those of an edge, but for one thing. */
function crafted({
  alg = 'HS256',
  routes = ['shop'] as unknown,
  expires = true,
  secret = SECRET,
}): Promise<string> {
  const jwt = new SignJWT({ routes }).setProtectedHeader({ alg }).setAudience('brxy-tunnel')
  if (expires) jwt.setExpirationTime('1h')
  return jwt.sign(secret)
}

describe('Tokens', () => {
  it('brings back what was put in', async () => {
    const grant = { routes: ['shop', 'blog'], launch: 'abc' }
    expect(await tokens.verify(await tokens.issue(grant, 1_000))).toEqual(grant)
  })

  it('puts no more in than that, an audience and the times', async () => {
    const [, payload] = (await tokens.issue({ routes: ['shop'] }, 60_000)).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, number>
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'routes'])
    expect(claims.exp - claims.iat).toBe(60)
  })

  it('says that a token is missing, and how to get one', async () => {
    await expect(tokens.verify('')).rejects.toMatchObject({
      code: 'token/missing',
      message: expect.stringContaining('brxy token'),
    })
  })

  it('says when a token expired', async () => {
    const token = await tokens.issue({ routes: ['shop'] }, -5_000)
    await expect(tokens.verify(token)).rejects.toMatchObject({
      code: 'token/expired',
      message: expect.stringMatching(/expired at \d{4}-\d\d-\d\dT/),
    })
  })

  it.each([
    ['noise', async () => 'noise'],
    ['another secret', () => crafted({ secret: new TextEncoder().encode('another secret entirely') })],
    [
      'another audience',
      () =>
        new SignJWT({ routes: ['shop'] })
          .setProtectedHeader({ alg: 'HS256' })
          .setAudience('someone-else')
          .setExpirationTime('1h')
          .sign(SECRET),
    ],
    [
      'no signature',
      async () => {
        const token = await tokens.issue({ routes: ['*'] }, 60_000)
        const header = Buffer.from('{"alg":"none"}').toString('base64url')
        return `${header}.${token.split('.')[1]}.`
      },
    ],
    [
      'a changed payload',
      async () => {
        const [header, , signature] = (await tokens.issue({ routes: ['shop'] }, 60_000)).split('.')
        const payload = Buffer.from('{"routes":["*"],"aud":"brxy-tunnel","exp":9999999999}')
        return `${header}.${payload.toString('base64url')}.${signature}`
      },
    ],
    ['another algorithm', () => crafted({ alg: 'HS512' })],
    ['no expiry', () => crafted({ expires: false })],
    ['routes that are none', () => crafted({ routes: 'shop' })],
    ['routes that are no names', () => crafted({ routes: [1] })],
  ])('takes a token with %s for forged', async (_, make) => {
    await expect(tokens.verify(await make())).rejects.toMatchObject({ code: 'token/forged' })
  })

  it('never says the token or the secret', async () => {
    const token = await tokens.issue({ routes: ['shop'] }, -5_000)
    const error = await tokens.verify(token).catch((error: Error) => error)
    expect(String((error as Error).message)).not.toContain(token.slice(0, 20))
  })
})

describe('allowsRoute', () => {
  it.each([
    [['shop'], 'shop', true],
    [['shop', 'blog'], 'blog', true],
    [['shop'], 'blog', false],
    [['*'], 'anything', true],
    [[], 'shop', false],
    [['*.shop'], 'a.shop', false],
  ])('%j allows %s: %s', (routes, route, expected) => {
    expect(allowsRoute({ routes }, route)).toBe(expected)
  })
})
