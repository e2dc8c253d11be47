import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FollowedStream } from './followed-stream.ts'

/** One time that was listened. */
interface Listening {
  readonly signal: AbortSignal
  heard(): void
  end(): Promise<void>
  fail(message: string): Promise<void>
}

let listenings: Listening[]
let failures: string[]
let stream: FollowedStream

const settle = () => vi.advanceTimersByTimeAsync(0)
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const last = () => listenings.at(-1) as Listening

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  listenings = []
  failures = []
  stream = new FollowedStream({
    follow: (heard, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        listenings.push({
          signal,
          heard,
          async end() {
            resolve()
            await settle()
          },
          async fail(message) {
            reject(new Error(message))
            await settle()
          },
        })
      }),
    onFailure: (error) => failures.push((error as Error).message),
  })
})
afterEach(async () => {
  await stream.close()
  vi.useRealTimers()
})

it('listens from when it is opened, once', () => {
  expect(listenings).toHaveLength(0)
  stream.open()
  stream.open()
  expect(listenings).toHaveLength(1)
})

it('listens again at once when what has lasted ends', async () => {
  stream.open()
  await pass(300_000)
  await last().end()
  await pass(1)
  expect(listenings).toHaveLength(2)
})

it('waits ever longer while it ends without a word, so an empty answer makes no loop', async () => {
  stream.open()
  const begun: number[] = []
  for (let ms = 0; ms < 40_000; ms += 100) {
    if (listenings.length > begun.length) {
      begun.push(ms)
      await last().end()
    }
    await pass(100)
  }
  expect(begun).toHaveLength(6)
  expect(begun[2] - begun[1]).toBeGreaterThan(begun[1] - begun[0])
})

it('says of failures in a row only the first, and again after something was heard', async () => {
  stream.open()
  await last().fail('one')
  await pass(1_000)
  await last().fail('two')
  await pass(2_000)
  last().heard()
  await last().fail('three')
  expect(failures).toEqual(['one', 'three'])
  await pass(1_000)
  expect(listenings).toHaveLength(4)
})

it('ends what is under way when it is closed, and says nothing of that', async () => {
  stream.open()
  await stream.close()
  expect([last().signal.aborted, failures]).toEqual([true, []])
  stream.open()
  await pass(60_000)
  expect(listenings).toHaveLength(1)
})

it('ends in a pause when it is closed', async () => {
  stream.open()
  await last().end()
  await stream.close()
  await pass(60_000)
  expect(listenings).toHaveLength(1)
})
