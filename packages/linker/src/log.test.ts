import { describe, expect, test } from 'vitest'
import type { LinkerEvent } from './event.ts'
import { type LogSink, logEvent } from './log.ts'

function lines(options: Partial<LogSink>, ...events: LinkerEvent[]): string[] {
  const written: string[] = []
  const sink: LogSink = {
    format: 'text',
    isQuiet: false,
    route: 'shop',
    write: (line) => void written.push(line),
    ...options,
  }
  for (const event of events) logEvent(sink, event)
  return written
}

const EVENTS: readonly LinkerEvent[] = [
  { type: 'app-started', pid: 7, port: 20_001 },
  { type: 'listening', address: '127.0.0.1:20001', tookMs: 1_234 },
  { type: 'connected', edge: 'edge:9080', session: 's-1' },
  { type: 'disconnected', edge: 'edge:9080', code: 'protocol/closed', message: 'the connection closed' },
  { type: 'disconnected', edge: 'edge:9080', code: 'link/left', message: 'idle' },
  { type: 'refused', edge: 'edge:9080', code: 'link/unreachable', message: 'ECONNREFUSED', isFinal: false },
  { type: 'refused', edge: 'edge:9080', code: 'token/expired', message: 'expired', isFinal: true },
  { type: 'phase', phase: 'leaving', reason: 'idle' },
  { type: 'phase', phase: 'failed', reason: 'exited with status 3' },
  { type: 'bad-response', message: 'GET: no HTTP' },
  { type: 'unreachable' },
  { type: 'notice', message: 'no guard' },
  { type: 'bug', error: new Error('oops') },
  { type: 'bug', error: 'a string' },
]

describe('for people', () => {
  test('one line an event: time, route, what happened', () => {
    expect(lines({}, ...EVENTS).map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))).toEqual([
      'shop         application started  7  20001',
      'shop         listening on 127.0.0.1:20001 after 1.23s',
      'shop         connected  edge:9080',
      'shop         disconnected  edge:9080  the connection closed',
      'shop         cannot reach the edge  link/unreachable  ECONNREFUSED',
      'shop         refused by the edge  token/expired  expired',
      'shop         leaving  idle',
      'shop         failed  exited with status 3',
      'shop         bad exchange with the application  GET: no HTTP',
      'shop         the application does not accept connections',
      'shop         no guard',
      expect.stringMatching(/^shop {9}a bug in brxy {2}Error: oops\n/),
      'shop         a bug in brxy  a string',
    ])
  })
})

describe('for programs', () => {
  test('the same as JSON, with a level', () => {
    const parsed = lines({ format: 'json' }, ...EVENTS).map((line) => JSON.parse(line))
    expect(parsed.map(({ level }) => level)).toEqual([
      'info',
      'info',
      'info',
      'info',
      'warn',
      'error',
      'info',
      'error',
      'warn',
      'warn',
      'warn',
      'error',
      'error',
    ])
    expect(parsed[0]).toMatchObject({ app: 'shop', msg: 'application started', pid: 7, port: 20_001 })
    for (const { time } of parsed) expect(new Date(time).toISOString()).toBe(time)
  })

  test('a line stays one line, whatever a message contains', () => {
    const [line] = lines({ format: 'json' }, { type: 'notice', message: 'two\nlines' })
    expect(line).not.toContain('\n')
  })
})

test('launched by an edge, it says only what went wrong: the edge tells the rest', () => {
  expect(lines({ isQuiet: true }, ...EVENTS).length).toBe(8)
})
