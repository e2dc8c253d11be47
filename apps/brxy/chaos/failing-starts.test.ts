import { eventually } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import { shell } from '../e2e/apps.ts'
import { staged } from './stage.ts'

const stage = staged()

const LIMITS = { hold: '3s', startTimeout: '1s', backoff: { min: '500ms', max: '2s' } }
/** For those that start, which may take a slow machine longer. */
const PATIENT = { ...LIMITS, hold: '30s', startTimeout: '30s' }

/** Asks for six seconds, always when the one before is answered. */
async function ask(
  path = '/work',
): Promise<{ readonly status: number; readonly text: string; readonly retryAfter: string }[]> {
  const answers = []
  for (const begunMs = performance.now(); performance.now() - begunMs < 6_000; ) {
    const { status, text, headers } = await stage.edge.ask(path)
    answers.push({ status, text, retryAfter: headers['retry-after'] ?? '' })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return answers
}

/** Times between launches: each pause is as long as the one before, or longer. */
function pauses(): number[] {
  const times = stage.edge.matching('launching').map(({ time }) => Date.parse(time as string))
  return times.slice(1).map((time, at) => time - times[at])
}

describe('a scaler whose launches', () => {
  it.each([
    ['exit with a status', shell('exit 1'), 'crashed'],
    ['hang', shell('sleep 600'), 'unavailable'],
    // A command may have others start the instance, so it is waited for.
    ['end without a word', shell('exit 0'), 'unavailable'],
  ])(
    '%s is asked again ever more slowly; clients are told the class, and served once it is repaired',
    async (_, command, problem) => {
      await stage.start(command, LIMITS)
      const answers = await ask()
      for (const { status, text, retryAfter } of answers) {
        expect(status).toBe(503)
        expect(JSON.parse(text)).toMatchObject({ code: 'edge/cannot-start', problem })
        expect(Number(retryAfter)).toBeGreaterThan(0)
      }
      // One launch, then one after each pause: 0.5, 1, 2, 2 s; a launch that hangs takes its second first.
      expect(stage.edge.matching('launching').length).toBeGreaterThan(1)
      expect(stage.edge.matching('launching').length).toBeLessThanOrEqual(6)
      for (const pause of pauses()) expect(pause).toBeGreaterThan(450)
      stage.set(stage.executions.command(), PATIENT)
      stage.edge.signal('SIGHUP')
      await stage.edge.event('reloaded')
      await eventually('it is served', async () => (await stage.edge.ask('/work')).status === 200)
    },
  )

  it('crash on their first request are failed starts as well', async () => {
    await stage.start(stage.executions.command(), PATIENT)
    const answers = await ask('/crash')
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502, 503]))
    expect(stage.edge.matching('launching').length).toBeLessThanOrEqual(6)
    await eventually('it is served', async () => (await stage.edge.ask('/work')).status === 200)
  })
})
