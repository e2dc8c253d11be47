import type { Arrival } from '@brxy/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { afterLoss } from './after-loss.ts'
import { LostSessions } from './lost-sessions.ts'

/** A request of a world in which tunnels die: how often an application got it, and how often its client was answered. */
interface Request {
  readonly isSafe: boolean
  executions: number
  outcomes: number
  wasRepeated: boolean
}

/** How a session comes to its end. */
interface Death {
  /** Of each ten OPENs on their way, so many arrive: a connection keeps their order. */
  readonly arriving: number
  /** Of those that arrived, every so many-th was answered with an interim head that came through; 0: none. */
  readonly answersEach: number
  /** GOAWAY, or the connection is just gone. */
  readonly says: boolean
  /** When its linker is back, if ever, and what it does. */
  readonly back: 'in time' | 'too late' | 'as another process' | 'never'
}

const death: fc.Arbitrary<Death> = fc.record({
  arriving: fc.nat(10),
  answersEach: fc.nat(3),
  says: fc.boolean(),
  back: fc.constantFrom('in time', 'too late', 'as another process', 'never'),
})

const WAIT_MS = 2_000

it('however tunnels die, an unsafe request runs at most once, a safe one twice, and each client gets one answer', () => {
  const counts = { again: 0, repeat: 0, ask: 0, over: 0, never: 0, seen: 0, expired: 0 }
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.array(death, { maxLength: 6 }),
      (safe, deaths) => {
        const requests = safe.map<Request>((isSafe) => ({
          isSafe,
          executions: 0,
          outcomes: 0,
          wasRepeated: false,
        }))
        const lost = new LostSessions<Request>()
        let nowMs = 0
        let queue = [...requests]
        const fail = (request: Request) => void request.outcomes++
        for (const [nth, { arriving, answersEach, says, back }] of deaths.entries()) {
          const opened = queue
          queue = []
          const received = Math.floor((opened.length * arriving) / 10)
          for (const [at, request] of opened.entries()) if (at < received) request.executions++
          const name = { route: 'shop', instance: 'one', session: `s-${nth}` }
          for (const [at, request] of opened.entries()) {
            const stream = at + 1
            const isAnswered = answersEach > 0 && at < received && at % answersEach === 0
            const told: Arrival = !says ? 'unknown' : stream > received ? 'never' : 'seen'
            const { isSafe, wasRepeated } = request
            const next = afterLoss({ arrival: isAnswered ? 'seen' : told, isAnswered, isSafe, wasRepeated })
            counts[next]++
            if (next === 'repeat') request.wasRepeated = true
            if (next === 'again' || next === 'repeat') queue.push(request)
            else if (next === 'over') fail(request)
            else lost.wait(request, stream, name, nowMs + WAIT_MS)
          }
          const hello = () => {
            const instance = back === 'as another process' ? 'two' : 'one'
            // It makes the most of the lie.
            const { never, seen } = lost.returned({ ...name, instance }, instance === 'two' ? 0 : received)
            counts.never += never.length
            counts.seen += seen.length
            queue.push(...never)
            seen.forEach(fail)
          }
          if (back === 'in time' || back === 'as another process') hello()
          nowMs += WAIT_MS
          const expired = lost.expire(nowMs)
          counts.expired += expired.length
          expired.forEach(fail)
          if (back === 'too late') hello()
          expect(lost.count).toBe(0)
        }
        // The last session lives.
        for (const request of queue) {
          request.executions++
          request.outcomes++
        }
        for (const { isSafe, executions, outcomes } of requests) {
          expect(executions).toBeLessThanOrEqual(isSafe ? 2 : 1)
          expect(outcomes).toBe(1)
        }
      },
    ),
  )
  // Nothing is proved of what did not happen.
  for (const [what, count] of Object.entries(counts)) expect([what, count > 0]).toEqual([what, true])
})
