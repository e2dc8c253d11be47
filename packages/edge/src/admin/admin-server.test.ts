import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

interface Answer {
  readonly status: number | undefined
  readonly headers: Record<string, unknown>
  readonly body: string
}

function ask(
  path: string,
  method = 'GET',
  host = `127.0.0.1:${edge.adminPort}`,
  bearer?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) }
    const asked = request({ port: edge.adminPort, host: '127.0.0.1', path, method, headers })
    asked.on('error', reject)
    asked.on('response', (response) => {
      let body = ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    asked.end()
  })
}

describe('the admin port', () => {
  it('says that the edge is alive and ready', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: '{"status":"ok"}\n' })
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}\n' })
    expect(await ask('/healthz', 'HEAD')).toMatchObject({ status: 200, body: '' })
  })

  it('tells what is held and who is connected', async () => {
    const linker = await edge.linker({ slots: 3, launch: 'launch-a' })
    edge.client().get()
    await linker.next()
    edge.client().get('/', '', 'blog')
    await edge.untilHeld(1, 'blog')
    const { headers, body } = await ask('/v1/status?x=y')
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    const status = JSON.parse(body)
    expect(status).toMatchObject({ version: '0.0.0', draining: false, connections: 2 })
    expect(status.apps).toMatchObject([
      {
        app: 'shop',
        held: { count: 0, bytes: 0, oldestMs: 0 },
        instances: [
          {
            instance: 'shop/1',
            launch: 'launch-a',
            phase: 'ready',
            slots: 3,
            busy: 1,
            grants: 2,
            suspect: false,
          },
        ],
        launches: [],
      },
      { app: 'blog', held: { count: 1 }, instances: [], launches: [] },
    ])
    expect(status.apps[1].held.bytes).toBeGreaterThan(0)
  })

  it('says draining while the edge drains', async () => {
    await edge.close()
    edge = await TestEdge.start({ timeouts: { drainMs: 5_000 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    const running = await linker.next()
    const stopped = edge.edge.stop()
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: '{"status":"draining"}\n' })
    running.respond('bye')
    await client.until('bye')
    await stopped
  })

  it('knows nothing else', async () => {
    expect((await ask('/')).status).toBe(404)
  })

  it.each(['POST', 'PUT', 'DELETE'])('needs a token for what may change something: %s', async (method) => {
    expect(await ask('/v1/status', method)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="brxy admin"' },
    })
  })

  it('only reads, also with a token', async () => {
    const bearer = await edge.adminToken()
    expect(await ask('/v1/status', 'DELETE', undefined, bearer)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
    expect(await ask('/v1/reload', 'GET', undefined, bearer)).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    })
  })

  it('takes the configured token, and those signed with the secret for this purpose', async () => {
    await edge.close()
    edge = await TestEdge.start({ admin: { bind: '127.0.0.1:0', token: 'configured' } })
    const status = async (bearer: string) => (await ask('/v1/reload', 'POST', undefined, bearer)).status
    // 409: it was let in, and there is no file to read again.
    expect(await status('configured')).toBe(409)
    expect(await status(await edge.adminToken())).toBe(409)
    expect(await status('configurec')).toBe(401)
    expect(await status(await edge.token())).toBe(401)
  })

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80'])(
    'does not answer a page that was made to ask as %j (DNS rebinding)',
    async (host) => {
      expect((await ask('/v1/status', 'GET', host)).status).toBe(421)
    },
  )

  it.each(['localhost', 'LOCALHOST:9081', '127.0.0.1', '[::1]:9081'])('answers to %s', async (host) => {
    expect((await ask('/v1/status', 'GET', host)).status).toBe(200)
  })

  it('lists a launch until it has connected', async () => {
    await edge.close()
    edge = await TestEdge.start(
      {},
      {
        factory: () => ({
          app: () => ({ launches: 'named', leave: 'exit', scale: async () => [], observe: async () => [] }),
          close: async () => {},
        }),
        options: {},
        isLocal: true,
      },
    )
    edge.client().get()
    await eventually('a launch', () => edge.of('launching').length === 1)
    const { launch } = edge.of('launching')[0]
    const look = async () => JSON.parse((await ask('/v1/status')).body).apps[0]
    expect((await look()).launches).toMatchObject([{ launch, copy: 1, phase: 'asked', problem: null }])
    await edge.linker({ launch })
    expect(await look()).toMatchObject({ launches: [], instances: [{ instance: 'shop/1', launch }] })
  })
})
