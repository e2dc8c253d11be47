import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { until } from './app/processes.testkit.ts'
import { RawApp } from './forward/raw-app.testkit.ts'
import { closedAfterEach, type Linked, linked } from './linked.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const close = closedAfterEach()
let one: Linked

/** Answers the first request with this field, and further ones as they are asked for (`/8` is `Brxy-Slots: 8`). */
async function answering(interim = ''): Promise<void> {
  const app = await RawApp.start(async (connection) => {
    for (let head = await connection.head(); head !== null; head = await connection.head()) {
      const [, path] = head.split(' ')
      if (path?.startsWith('/hang')) continue
      const fields = decodeURIComponent(path?.slice(1) ?? '')
      connection.write(`${interim}HTTP/1.1 200 OK\r\n${fields}\r\nContent-Length: 2\r\n\r\nok`)
    }
  })
  one = await close(linked(app, { concurrency: 1 }))
}

const saying = (...values: string[]) =>
  `/${encodeURIComponent(values.map((value) => `Brxy-Slots: ${value}`).join('\r\n'))}`

const lent = (grants: number) =>
  until(`${grants} slots are lent`, () => one.session.session.unspent === grants)

const notices = () => one.link.of('notice').map(({ message }) => message)

describe('Brxy-Slots in a response', () => {
  beforeEach(() => answering())

  test('changes how many requests the application gets at a time; the client does not see it', async () => {
    const { session, link } = one
    const answer = await session.get(saying('3'))
    expect(answer.head.toLowerCase()).not.toContain('brxy')
    await lent(3)
    expect(session.statuses.at(-1)).toMatchObject({ phase: 'ready', slots: 3 })
    await session.get(saying('1'))
    await lent(1)
    expect(session.statuses.at(-1)).toMatchObject({ slots: 1 })
    expect(link.linker.slotState).toEqual({ slots: 1, lent: 1, busy: 0, lingering: 0 })
  })

  test('cuts nothing when it lowers the number', async () => {
    const { session, link } = one
    await session.get(saying('3'))
    await lent(3)
    const running = [session.open({ target: '/hang' }), session.open({ target: '/hang' })]
    await session.get(saying('1'))
    await until('the third request is over', () => link.linker.slotState.busy === 2)
    expect(link.linker.slotState).toEqual({ slots: 1, lent: 0, busy: 2, lingering: 0 })
    expect(running.map(({ outcome }) => outcome)).toEqual(['', ''])
    for (const { stream } of running) stream.reset(1)
    await until('they linger', () => link.linker.slotState.lingering === 2)
    expect(link.linker.slotState.busy, 'the application may still be computing').toBe(2)
  })

  test.each([[['0']], [['x']], [['70000']], [['2', '3']]])(
    'is ignored with one notice when it is %j',
    async (values) => {
      const { session } = one
      await session.get(saying(...values))
      await session.get(saying(...values))
      await session.get(saying('2'))
      await lent(2)
      expect(notices()).toEqual([
        expect.stringContaining("the application's Brxy-Slots is no whole number from 1 to 65535"),
      ])
      expect(session.statuses.filter(({ slots }) => slots !== 1)).toHaveLength(1)
    },
  )
})

test('Brxy-Slots in an interim response is ignored', async () => {
  await answering('HTTP/1.1 103 Early Hints\r\nBrxy-Slots: 7\r\n\r\n')
  const { session } = one
  const answer = await session.get('/x:%20y')
  expect(answer.heads.join('')).not.toMatch(/brxy/i)
  await lent(1)
  expect(one.link.linker.slotState.slots).toBe(1)
})

describe('an application that wants no requests', () => {
  beforeEach(() => answering())
  afterEach(() => expect(notices()).toEqual([]))

  test('is lent none, until it wants some again', async () => {
    const { session, link } = one
    link.linker.setSlots(0)
    await lent(0)
    expect(session.statuses.at(-1)).toMatchObject({ phase: 'ready', slots: 0 })
    link.linker.setSlots(2)
    await lent(2)
    expect(session.statuses.at(-1)).toMatchObject({ slots: 2 })
    expect((await session.get('/x:%20y')).text).toBe('ok')
  })

  test('says so in its HELLO when it dials again', async () => {
    one.link.linker.setSlots(0)
    await lent(0)
    one.edge.cut()
    expect((await one.edge.session(1)).hello).toMatchObject({ phase: 'ready', slots: 0 })
  })
})
