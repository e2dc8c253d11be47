import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LifeAction } from './action.ts'
import { Life, type LifeOptions } from './life.ts'

const OPTIONS: LifeOptions = {
  startTimeoutMs: 120_000,
  idleMs: 60_000,
  drainMs: 30_000,
  lostMs: 50_000,
  replaceMs: 150_000,
  reportMs: 5_000,
}

/**
 * What holds in every history of an instance:
 *
 * - it exits once, as the last thing, and two signals always end it;
 * - it stops with requests running only after a signal, a deadline or a failure;
 * - it asks to leave only when idle, not while it is to be replaced, and leaves only when every edge has agreed;
 * - REPLACE goes to an edge that owes no answer, and changes nothing until one says GO;
 * - a parked one exits only by a signal or without any edge; only a RECALL starts its application again.
 */
describe('any history', () => {
  type Step = readonly [string, number]
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('listening', 'up') },
      { weight: 24, arbitrary: fc.constantFrom('up', 'down', 'go', 'go', 'stay') },
      {
        weight: 24,
        arbitrary: fc.constantFrom('busy', 'probe', 'free', 'free', 'wait', 'deadline', 'deadline'),
      },
      { weight: 8, arbitrary: fc.constantFrom('stopped', 'stopped', 'recall', 'hup') },
      { weight: 1, arbitrary: fc.constant('reported') },
      { weight: 1, arbitrary: fc.constantFrom('drain', 'refused', 'died', 'kill') },
    ),
    fc.nat(2),
  )

  test('exits once, as the last thing; stops idle ones only when nothing runs', { timeout: 30_000 }, () => {
    const seen = {
      exit: 0,
      leave: 0,
      stay: 0,
      drain: 0,
      replace: 0,
      kept: 0,
      park: 0,
      restart: 0,
      report: 0,
      announce: 0,
      stop: 0,
      idle: 0,
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const life = new Life<number>(OPTIONS, 0)
        const edges = new Set<number>()
        // LEAVEs and REPLACEs that each edge has been sent and not answered.
        const asked = new Map<number, string[]>()
        let nowMs = 0
        // What runs, and whether it is passive.
        const running: boolean[] = []
        let activeMs = 0
        let exits = 0
        let stops = 0
        let cause = ''
        let isWanted = false
        let isParked = false
        const take = (actions: readonly LifeAction<number>[]) => {
          for (const action of actions) {
            if (exits > 0) throw new Error(`${action.kind} after the exit`)
            seen[action.kind]++
            if (action.kind === 'exit') exits++
            if (action.kind === 'leave') {
              if (running.includes(false)) throw new Error('an instance with work leaves')
              if (nowMs - activeMs < OPTIONS.idleMs)
                throw new Error('an instance leaves before its idle time')
              if (isWanted) throw new Error('an instance leaves that is to be replaced')
              for (const edge of edges) asked.get(edge)?.push('leave')
            }
            if (action.kind === 'replace') {
              if (!isWanted || life.phase !== 'ready') throw new Error('asks for a successor unasked')
              if (!edges.has(action.edge)) throw new Error('asks an edge without a session')
              if (asked.get(action.edge)?.length !== 0) throw new Error('asks an edge that owes an answer')
              asked.get(action.edge)?.push('replace')
            }
            if (action.kind === 'kept' && !isWanted) throw new Error('says twice that it stays')
            if (action.kind === 'kept' || action.kind === 'drain' || action.kind === 'stop') isWanted = false
            if (action.kind === 'drain' && action.reason === 'replaced' && cause !== 'go')
              throw new Error('replaced without GO')
            if (action.kind === 'park' || action.kind === 'restart') {
              if (isParked === (action.kind === 'park')) throw new Error(`${action.kind} twice`)
              isParked = action.kind === 'park'
              stops = 0
            }
            if (action.kind === 'announce' && isParked) throw new Error('announces what is stopped')
            if (action.kind !== 'stop') continue
            if (isParked && !['drain', 'kill', 'deadline', 'wait'].includes(cause))
              throw new Error(`a parked instance exits, by ${cause}`)
            if (!action.kill && ++stops > 1) throw new Error('the application is stopped twice')
            const mayCut = action.kill || ['deadline', 'died', 'reported', 'refused', 'drain'].includes(cause)
            if (running.length > 0 && !mayCut)
              throw new Error(`stopped with ${running.length} requests running, by ${cause}`)
            if (!action.kill && life.phase === 'stopping' && (cause === 'go' || cause === 'free')) seen.idle++
          }
        }
        for (const [name, edge] of steps) {
          cause = name
          const { phase } = life
          switch (name) {
            case 'listening':
              take(life.listening(nowMs))
              break
            case 'drain':
              take(life.drain(nowMs))
              break
            case 'up':
              if (edges.has(edge)) break
              edges.add(edge)
              asked.set(edge, phase === 'leaving' ? ['leave'] : [])
              take(life.connected(edge, nowMs, edge > 0))
              break
            case 'down':
              if (!edges.delete(edge)) break
              take(life.disconnected(edge, nowMs))
              break
            case 'go':
            case 'stay':
              if (edges.has(edge) && asked.get(edge)?.shift() !== undefined)
                take(life.verdict(edge, name === 'go', nowMs))
              break
            case 'busy':
            case 'probe':
              // Only those with a session send anything, and only to one that admits it.
              if (edges.size === 0 || !life.admits) break
              running.push(name === 'probe')
              life.began(name === 'probe')
              break
            case 'free': {
              const [isPassive] = running.splice(edge % Math.max(1, running.length), 1)
              if (isPassive === undefined) break
              if (!isPassive) activeMs = nowMs
              take(life.ended(isPassive, nowMs))
              break
            }
            case 'wait':
              nowMs += 1_000
              take(life.tick(nowMs))
              break
            case 'deadline':
              if (life.nextDeadline() === Number.POSITIVE_INFINITY) break
              nowMs = Math.max(nowMs, life.nextDeadline())
              take(life.tick(nowMs))
              break
            case 'refused':
              take(life.refused(edge === 0, 'no'))
              break
            case 'died':
              take(life.appEnded({ code: edge, signal: null }, nowMs))
              break
            case 'reported':
              take(life.reported())
              break
            case 'hup':
              if (['starting', 'ready', 'leaving'].includes(phase)) isWanted = true
              take(life.replace(nowMs))
              if (life.phase !== phase) throw new Error('an instance that is to be replaced goes on')
              break
            case 'recall':
              take(life.recalled(nowMs))
              break
            case 'stopped':
              take(life.appStopped())
              break
            default:
              take(life.kill(15))
          }
          // An idle instance stops only when all who could send something have agreed.
          if (phase === 'leaving' && life.phase === 'stopping' && cause !== 'kill' && cause !== 'drain') {
            for (const one of edges) {
              if (asked.get(one)?.length !== 0) throw new Error('left without the verdict of an edge')
            }
          }
          if (life.phase === 'done' && life.nextDeadline() !== Number.POSITIVE_INFINITY)
            throw new Error('something is awaited after the end')
        }
        // Whatever happened, two signals end it.
        cause = 'drain'
        take(life.drain(nowMs))
        cause = 'kill'
        take(life.kill(15))
        take(life.appStopped())
        expect(exits).toBe(1)
        expect(life.phase).toBe('done')
      }),
      { numRuns: 6_000 },
    )
    for (const [kind, count] of Object.entries(seen))
      expect(count, `${kind} in ${JSON.stringify(seen)}`).toBeGreaterThan(20)
  })
})
