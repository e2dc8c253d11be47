import { connect } from 'node:net'
import { EdgeProcess, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'

let edge: EdgeProcess

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
})

/** The answer to bytes as they are. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(edge.port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

describe('two hosts behind one edge', () => {
  it('have instances and queues of their own: a slow one does not delay the other', async () => {
    const start = 'case $ROUTE in slow.*) exec "$@" seconds=1;; *) exec "$@";; esac'
    edge = await EdgeProcess.start({
      flags: ['--max', '1'],
      command: linked(shell(start, ...nodeApp('serial'))),
    })
    let slowAnswers = 0
    const slow = [1, 2, 3].map(() =>
      edge.ask('/', { host: 'slow.test' }).then((answer) => {
        slowAnswers++
        return answer
      }),
    )
    await edge.event('ready', ({ app }) => app === 'slow.test')
    const fast = await edge.ask('/', { host: 'fast.test' })
    const warm = await edge.ask('/', { host: 'fast.test' })
    // Three of the slow one's take 3 s, one after the other in its only copy.
    expect(slowAnswers).toBeLessThan(3)
    expect(warm.text).toBe(fast.text)
    const pids = new Set((await Promise.all(slow)).map(({ text }) => text))
    expect(pids.size).toBe(1)
    expect(pids).not.toContain(fast.text)
    expect(edge.matching('launching').map(({ app }) => app)).toEqual(['slow.test', 'fast.test'])
  })
})

describe('a host', () => {
  it('is one app in any spelling: case, port and final dot do not matter', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('echo')) })
    const hosts = ['Shop.Test', 'shop.test:1234', 'SHOP.TEST.', 'shop.test']
    for (const host of hosts) {
      const { env, headers } = (await edge.ask('/', { host })).json()
      expect(env.ROUTE).toBe('shop.test')
      expect(headers.host).toBe(host)
    }
    expect(edge.matching('launching').length).toBe(1)
  })

  it('that is missing, given twice or no host is answered 400, and wakes nothing', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('echo')) })
    const heads = [
      '',
      'Host: a.test\r\nHost: a.test\r\n',
      'Host: a test\r\n',
      'Host: a.test/x\r\n',
      'Host: \r\n',
    ]
    for (const head of heads) {
      expect(await raw(`GET / HTTP/1.1\r\n${head}\r\n`), head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    }
    expect(edge.matching('launching')).toEqual([])
  })
})

describe('--host', () => {
  it('serves the named hosts and what a wildcard matches; others are 404 and wake nothing', async () => {
    edge = await EdgeProcess.start({
      flags: ['--host', 'shop.test', '--host', '*.preview.test'],
      command: linked(nodeApp('echo')),
    })
    for (const host of ['other.test', 'shop.test.evil', 'a.shop.test', 'preview.test', 'localhost']) {
      const answer = await edge.ask('/', { host })
      expect(answer.status, host).toBe(404)
      expect(answer.headers['proxy-status']).toBe('brxy; error=destination_not_found; details="edge/no-app"')
    }
    expect(edge.matching('launching')).toEqual([])
    for (const host of ['shop.test', 'a.preview.test', 'b.preview.test']) {
      expect((await edge.ask('/', { host })).json().env.ROUTE).toBe(host)
    }
    expect(edge.matching('launching').length).toBe(3)
  })
})

describe('--max-apps', () => {
  it('refuses one host too many, so that nobody starts processes by inventing names, until another has gone', async () => {
    edge = await EdgeProcess.start({
      flags: ['--max-apps', '2'],
      command: linked(nodeApp('serial'), ['--idle', '500ms']),
    })
    const first = await Promise.all(['a.test', 'b.test'].map((host) => edge.ask('/', { host })))
    expect(first.map(({ status }) => status)).toEqual([200, 200])
    const refused = await edge.ask('/', { host: 'c.test' })
    expect(refused.status).toBe(503)
    expect(refused.headers['proxy-status']).toBe(
      'brxy; error=connection_limit_reached; details="edge/too-many-apps"',
    )
    expect(edge.matching('launching').length).toBe(2)
    await edge.event('left', undefined, 2)
    // Their platform records go a moment later.
    await expect
      .poll(async () => (await edge.ask('/', { host: 'c.test' })).status, { timeout: 20_000 })
      .toBe(200)
  })
})
