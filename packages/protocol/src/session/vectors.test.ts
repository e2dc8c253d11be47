import { describe, expect, it } from 'vitest'
import { BODY_NONE } from '../frame.ts'
import { parseHex, referenceDecode, referenceEncode } from '../reference-codec.testkit.ts'
import { SESSION_VECTORS, type SessionVector } from '../vectors.testkit.ts'
import { EdgeSession } from './edge-session.ts'
import { LinkerSession } from './linker-session.ts'
import { EdgeLog, HELLO, LinkerLog, openStream, StreamLog, WELCOME } from './log.testkit.ts'
import type { Session } from './session.ts'
import { WindowBudget } from './window.ts'

const ENV = { random: () => 0, nowMs: 0 }

/** A session in the state that a vector starts from (vectors/README.md). */
function given(vector: SessionVector): { session: Session; log: EdgeLog | LinkerLog } {
  const budget = new WindowBudget(0)
  if (vector.from === 'linker') {
    const log = new EdgeLog()
    const session = new EdgeSession(log, { ...ENV, budget })
    log.session = session
    if (vector.welcomed) {
      const json = { versions: [1, 1], features: vector.features ?? [], windowBytes: 65536, ...HELLO }
      feed(session, referenceEncode({ type: 'HELLO', json }))
      const opens = vector.opens ?? 0
      if (opens > 0) feed(session, referenceEncode({ type: 'GRANT', n: opens }))
      for (let i = 0; i < opens; i++) {
        const stream = new StreamLog(() => 0)
        // Nobody reads: no credit comes of what a vector sends.
        stream.consumes = false
        openStream(session, stream, { body: BODY_NONE })
      }
    }
    session.batch.take()
    return { session, log }
  }
  const log = new LinkerLog(() => 0)
  const { features = [] } = vector
  const session = new LinkerSession(log, { ...HELLO, features }, { ...ENV, budget })
  log.session = session
  if (vector.welcomed) {
    const json = { version: 1, features, windowBytes: 65536, ...WELCOME }
    feed(session, referenceEncode({ type: 'WELCOME', json }))
  }
  session.batch.take()
  return { session, log }
}

function feed(session: Session, bytes: Buffer): void {
  session.receive(bytes, 0, bytes.length, 0)
}

/** What a session sent, like `RETURN 2`; the code of a GOAWAY apart. */
function answersOf(vector: SessionVector, session: Session): { answers: string[]; goaway: string | null } {
  const { frames, bad } = referenceDecode(
    vector.from === 'edge' ? 'linker' : 'edge',
    Buffer.concat(session.batch.take()),
  )
  expect(bad).toBe(false)
  const farewells = frames.filter((frame) => frame.type === 'GOAWAY')
  expect(farewells.length).toBeLessThanOrEqual(1)
  const goaway = farewells.map((frame) => JSON.parse(parseHex(frame.hex ?? '').toString()).code)
  const rest = frames.filter((frame) => frame.type !== 'GOAWAY' && frame.type !== 'WELCOME')
  return {
    answers: rest.map((frame) => (frame.n === undefined ? frame.type : `${frame.type} ${frame.n}`)),
    goaway: goaway[0] ?? null,
  }
}

describe('the session vectors', () => {
  it.each(SESSION_VECTORS.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const bytes = parseHex(vector.hex)
    expect(Buffer.concat(vector.frames.map(referenceEncode)).equals(bytes)).toBe(true)
    const { session, log } = given(vector)
    feed(session, bytes)
    const { answers, goaway } = answersOf(vector, session)
    expect(log.end?.code ?? null).toBe(vector.error ?? null)
    if (vector.answers !== undefined) expect(answers).toEqual(vector.answers)
    // A broken rule is told to the peer; what the peer said itself is not.
    if (vector.error?.startsWith('protocol/') && vector.answers === undefined)
      expect(goaway).toBe(vector.error)
    expect(session.isClosed).toBe(vector.error !== undefined)
    expect(session.streams.size).toBeLessThanOrEqual(vector.error === undefined ? 1 : 0)
  })
})
