import { describe, expect, it } from 'vitest'
import {
  MAX_REPORT_BYTES,
  MAX_REPORTED_APPS,
  MAX_REPORTED_INSTANCES,
  parseAnswer,
  parseReport,
} from './demand-report.ts'

const INSTANCE = {
  instance: 'x',
  launch: 'l',
  platform: 'p',
  phase: 'ready',
  slots: 1,
  busy: 0,
  served: false,
}
const APP = { route: 'shop', held: 1, oldestHeldMs: 5, instances: [INSTANCE] }
const REPORT = { edge: 'e', apps: [APP] }

describe('a report', () => {
  it('is what was said', () => {
    expect(parseReport(JSON.stringify(REPORT))).toEqual(REPORT)
  })

  it('may have keys that nobody knows yet', () => {
    const later = {
      ...REPORT,
      later: 1,
      apps: [{ ...APP, later: 1, instances: [{ ...INSTANCE, later: 1 }] }],
    }
    expect(parseReport(JSON.stringify(later))).toEqual(REPORT)
  })

  it.each([
    ['no JSON', '{', 'not JSON'],
    ['no object', '[]', 'the report'],
    ['no edge', { apps: [] }, 'edge'],
    ['an edge without a name', { ...REPORT, edge: '' }, 'edge'],
    ['no apps', { edge: 'e' }, 'apps'],
    ['too many apps', { edge: 'e', apps: Array(MAX_REPORTED_APPS + 1).fill(APP) }, 'apps'],
    ['an app that is none', { edge: 'e', apps: [null] }, 'apps[0]'],
    ['a route that is too long', { edge: 'e', apps: [{ ...APP, route: 'x'.repeat(256) }] }, 'apps[0].route'],
    ['fewer than none held', { edge: 'e', apps: [{ ...APP, held: -1 }] }, 'apps[0].held'],
    ['half a request', { edge: 'e', apps: [{ ...APP, held: 0.5 }] }, 'apps[0].held'],
    ['an age that is none', { edge: 'e', apps: [{ ...APP, oldestHeldMs: '5' }] }, 'apps[0].oldestHeldMs'],
    [
      'a phase that is none',
      { edge: 'e', apps: [{ ...APP, instances: [{ ...INSTANCE, phase: 'gone' }] }] },
      'apps[0].instances[0].phase',
    ],
    [
      'more slots than there are',
      { edge: 'e', apps: [{ ...APP, instances: [{ ...INSTANCE, slots: 65_536 }] }] },
      'apps[0].instances[0].slots',
    ],
    [
      'neither true nor false',
      { edge: 'e', apps: [{ ...APP, instances: [{ ...INSTANCE, served: 1 }] }] },
      'apps[0].instances[0].served',
    ],
  ])('with %s is refused, and it says where', (_, said, where) => {
    const parse = () => parseReport(typeof said === 'string' ? said : JSON.stringify(said))
    expect(parse).toThrow(
      expect.objectContaining({ code: 'edge/bad-report', message: expect.stringContaining(where) }),
    )
  })

  it('of as much as may be is not too long', () => {
    const name = 'x'.repeat(255)
    const instance = {
      instance: 'x'.repeat(128),
      launch: 'x'.repeat(128),
      platform: 'x'.repeat(255),
      phase: 'starting',
      slots: 65_535,
      busy: 65_535,
      served: false,
    }
    const apps = Array.from({ length: MAX_REPORTED_APPS }, () => ({
      route: name,
      held: 10_000_000,
      oldestHeldMs: 3_600_000,
      instances: [] as object[],
    }))
    apps[0].instances = Array(MAX_REPORTED_INSTANCES).fill(instance)
    expect(JSON.stringify({ edge: name, apps }).length).toBeLessThan(MAX_REPORT_BYTES)
  })
})

describe('an answer', () => {
  const answer = {
    edge: 'e',
    apps: [{ route: 'shop', leave: 'park', problem: { code: 'quota', retryMs: 5 } }],
  }

  it('is what was said', () => {
    expect(parseAnswer(JSON.stringify(answer))).toEqual(answer)
  })

  it('with a class of problem that nobody knows yet is of another one', () => {
    const later = {
      edge: 'e',
      apps: [{ route: 'shop', leave: 'exit', problem: { code: 'tired', retryMs: 5 } }],
    }
    expect(parseAnswer(JSON.stringify(later)).apps[0].problem?.code).toBe('other')
  })

  it('with another way to leave is refused', () => {
    expect(() => parseAnswer('{"edge":"e","apps":[{"route":"shop","leave":"fly"}]}')).toThrow('apps[0].leave')
  })
})
