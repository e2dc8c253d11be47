import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { KeepWarm, type KeepWarmWindow } from './keep-warm.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const BERLIN = 'Europe/Berlin'

const at = (iso: string) => Date.parse(iso)
const iso = (epochMs: number) => new Date(epochMs).toISOString().replace(':00.000Z', 'Z')
const window = (cron: string, forMs: number, min = 1, tz = BERLIN): KeepWarmWindow => ({
  cron,
  forMs,
  min,
  tz,
})

/** Each time between two at which minAt() is another, with what it is from then on; as nextChange() leads there. */
function changes(warm: KeepWarm, from: string, to: string): string[] {
  const found: string[] = []
  let min = warm.minAt(at(from))
  for (let t = warm.nextChange(at(from)); t < at(to); t = warm.nextChange(t)) {
    if (warm.minAt(t) === min) continue
    min = warm.minAt(t)
    found.push(`${iso(t)} ${min}`)
  }
  return found
}

describe('office hours in Berlin', () => {
  const warm = new KeepWarm([window('0 8 * * 1-5', 10 * HOUR, 2)])

  it('are open from the very start until, but not at, the end', () => {
    const start = at('2026-01-05T07:00:00Z')
    const end = start + 10 * HOUR
    const times = [start - 1, start, start + 1, end - 1, end, end + 1]
    expect(times.map((t) => warm.minAt(t))).toEqual([0, 2, 2, 2, 0, 0])
    expect(times.map((t) => warm.nextChange(t))).toEqual([start, end, end, end, start + DAY, start + DAY])
  })

  it('begin at 7:00 UTC in winter and at 6:00 UTC in summer, and never on a weekend', () => {
    expect(changes(warm, '2026-01-08T00:00Z', '2026-01-13T00:00Z')).toEqual([
      '2026-01-08T07:00Z 2',
      '2026-01-08T17:00Z 0',
      '2026-01-09T07:00Z 2',
      '2026-01-09T17:00Z 0',
      '2026-01-12T07:00Z 2',
      '2026-01-12T17:00Z 0',
    ])
    expect(changes(warm, '2026-07-10T00:00Z', '2026-07-14T00:00Z')).toEqual([
      '2026-07-10T06:00Z 2',
      '2026-07-10T16:00Z 0',
      '2026-07-13T06:00Z 2',
      '2026-07-13T16:00Z 0',
    ])
  })
})

describe('when clocks change', () => {
  const around = (cron: string, forMs: number, day: 'spring' | 'autumn') =>
    changes(
      new KeepWarm([window(cron, forMs)]),
      day === 'spring' ? '2026-03-29T00:00Z' : '2026-10-24T23:00Z',
      day === 'spring' ? '2026-03-29T23:00Z' : '2026-10-25T23:00Z',
    )

  it.each([
    // 2026-03-29 02:00 CET is 03:00 CEST.
    ['a time that the day leaves out opens after the gap', '30 2 * * *', 'spring', ['01:00Z 1', '02:00Z 0']],
    ['so does one of a list', '30 2,14 * * *', 'spring', ['01:00Z 1', '02:00Z 0', '12:30Z 1', '13:30Z 0']],
    ['two that meet after the gap are one', '0 2-3 * * *', 'spring', ['01:00Z 1', '02:00Z 0']],
    ['a step has nothing in the gap', '*/45 2 * * *', 'spring', []],
    // 2026-10-25 03:00 CEST is 02:00 CET.
    ['a time that comes twice opens the first time', '30 2 * * *', 'autumn', ['00:30Z 1', '01:30Z 0']],
    ['a step opens both times', '*/45 2 * * *', 'autumn', ['00:00Z 1', '02:45Z 0']],
  ] as const)('%s', (_, cron, day, expected) => {
    const times = around(cron, HOUR, day).map((change) => change.slice('2026-03-29T'.length))
    expect(times).toEqual(expected)
  })

  it('a window is as long as ever, whatever the clock on the wall shows', () => {
    expect(around('0 1 * * *', 4 * HOUR, 'spring')).toEqual(
      ['2026-03-29T00:00Z 1', '2026-03-29T04:00Z 0'].slice(1),
    )
    expect(around('0 1 * * *', 4 * HOUR, 'autumn')).toEqual(
      ['2026-10-24T23:00Z 1', '2026-10-25T03:00Z 0'].slice(1),
    )
  })
})

describe('windows', () => {
  it('that overlap ask for the greatest minimum', () => {
    const warm = new KeepWarm([
      window('0 12 * * *', HOUR, 5, 'UTC'),
      window('0 8 * * *', 10 * HOUR, 2, 'UTC'),
    ])
    expect(changes(warm, '2026-01-05T00:00Z', '2026-01-06T00:00Z')).toEqual([
      '2026-01-05T08:00Z 2',
      '2026-01-05T12:00Z 5',
      '2026-01-05T13:00Z 2',
      '2026-01-05T18:00Z 0',
    ])
  })

  it('that are longer than their period never close, and do not ask to be looked at all the time', () => {
    const warm = new KeepWarm([window('* * * * *', 10 * HOUR)])
    const start = at('2026-01-05T00:00:30Z')
    let looks = 0
    for (let t = start; t < start + 10 * DAY; t = warm.nextChange(t)) {
      expect(warm.minAt(t)).toBe(1)
      looks++
    }
    expect(looks).toBeLessThan(30)
  })

  it('that are exactly as long as their period never close', () => {
    const warm = new KeepWarm([window('0 8 * * *', DAY, 3, 'UTC')])
    expect(changes(warm, '2026-01-05T00:00Z', '2026-02-05T00:00Z')).toEqual([])
    expect(warm.minAt(at('2026-01-05T08:00Z') - 1)).toBe(3)
  })

  it('may be shorter than a second', () => {
    const warm = new KeepWarm([window('0 8 * * *', 500, 1, 'UTC')])
    const start = at('2026-01-05T08:00Z')
    expect([-1, 0, 499, 500].map((ms) => warm.minAt(start + ms))).toEqual([0, 1, 1, 0])
    expect([-1, 0, 499].map((ms) => warm.nextChange(start + ms) - start)).toEqual([0, 500, 500])
  })

  it('know how long months are', () => {
    const warm = new KeepWarm([window('0 0 31 * *', DAY, 1, 'UTC'), window('0 0 29 2 *', DAY, 2, 'UTC')])
    expect(
      changes(warm, '2027-11-15T00:00Z', '2028-04-15T00:00Z').filter((each) => !each.endsWith(' 0')),
    ).toEqual(['2027-12-31T00:00Z 1', '2028-01-31T00:00Z 1', '2028-02-29T00:00Z 2', '2028-03-31T00:00Z 1'])
  })

  it('open on either, when both the day of the month and the weekday are given', () => {
    const warm = new KeepWarm([window('0 0 13 * 5', HOUR, 1, 'UTC')])
    expect(
      changes(warm, '2026-01-08T00:00Z', '2026-01-17T00:00Z').filter((each) => !each.endsWith(' 0')),
    ).toEqual(['2026-01-09T00:00Z 1', '2026-01-13T00:00Z 1', '2026-01-16T00:00Z 1'])
  })

  it('of a day that does not exist never open', () => {
    const warm = new KeepWarm([window('0 0 30 2 *', DAY)])
    expect([warm.minAt(at('2026-03-02T00:00Z')), warm.nextChange(at('2026-01-01T00:00Z'))]).toEqual([
      0,
      Number.POSITIVE_INFINITY,
    ])
  })

  it('may be none', () => {
    const warm = new KeepWarm([])
    expect([warm.minAt(0), warm.nextChange(0)]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it.each(['0 8 * * MON-FRI', '0 8 * * mon-fri', ' 0  8 * *\t1-5 ', '0 8 * * 1,2,3,4,5'])(
    'understand %j',
    (cron) => {
      const days = changes(new KeepWarm([window(cron, HOUR)]), '2026-01-05T00:00Z', '2026-01-12T00:00Z')
      expect(days).toHaveLength(10)
    },
  )

  it.each(['0 0 * * 7', '0 0 * * 0', '0 0 * * SUN'])('%s open on Sunday', (cron) => {
    const warm = new KeepWarm([window(cron, HOUR, 1, 'UTC')])
    expect(iso(warm.nextChange(at('2026-01-05T00:00Z')))).toBe('2026-01-11T00:00Z')
  })
})

describe('the time zone', () => {
  const before = process.env.TZ
  afterEach(() => {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  })

  it.each(['America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'])(
    "is the machine's (%s) by default",
    (tz) => {
      process.env.TZ = tz
      const [cron, forMs] = ['30 2 * * *', HOUR]
      const [from, to] = ['2026-03-01T00:00Z', '2026-04-10T00:00Z']
      const expected = changes(new KeepWarm([{ cron, forMs, min: 1, tz }]), from, to)
      expect(expected.length).toBe(80)
      expect(changes(new KeepWarm([{ cron, forMs, min: 1 }]), from, to)).toEqual(expected)
    },
  )

  it.each(['Mars/Phobos', '', 'Berlin', 'Europe/Berlin '])('%j is refused with what is expected', (tz) => {
    expect(() => new KeepWarm([window('0 8 * * *', HOUR, 1, tz)])).toThrow(
      expect.objectContaining({
        code: 'edge/bad-cron',
        message: `unknown time zone '${tz}' of a keep-warm window: expected is an IANA name, for example 'Europe/Berlin'`,
      }),
    )
  })
})

describe('a cron that cannot be read', () => {
  it.each([
    ['', 'it does not have five fields'],
    ['0 8 * *', 'it does not have five fields'],
    ['0 0 8 * * *', 'it does not have five fields'],
    ['@daily', 'it does not have five fields'],
    ['2026-01-01T08:00:00', 'it does not have five fields'],
    ['60 8 * * *', 'Invalid value for minute: 60'],
    ['0 24 * * *', 'Invalid value for hour: 24'],
    ['0 8 32 * *', ''],
    ['0 8 0 * *', ''],
    ['0 8 * 13 *', ''],
    ['0 8 * * 8', ''],
    ['0 8 * * 6-1', 'larger'],
    ['*/0 8 * * *', ''],
    ['eight o clock every day', ''],
  ])('%j is refused with its text, the reason and what is expected', (cron, reason) => {
    expect(() => new KeepWarm([window(cron, HOUR)])).toThrow(
      expect.objectContaining({
        code: 'edge/bad-cron',
        message: expect.stringMatching(
          new RegExp(
            `^cannot read the keep-warm cron '${cron.replaceAll('*', '\\*')}': .*${reason}.*; expected are five fields, ` +
              "minute hour day-of-month month day-of-week, for example '0 8 \\* \\* 1-5'$",
          ),
        ),
      }),
    )
  })
})

/** What a wall in a time zone shows at each minute of some days, in minutes as if it were UTC. */
class Wall {
  readonly fromMs: number
  readonly shown: number[] = []

  constructor(tz: string, from: string, days: number) {
    this.fromMs = at(from)
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: tz,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
    })
    for (let t = this.fromMs; t < this.fromMs + days * DAY; t += MINUTE) {
      const part = Object.fromEntries(format.formatToParts(t).map(({ type, value }) => [type, Number(value)]))
      const { year, month, day, hour, minute } = part as Record<string, number>
      this.shown.push(Date.UTC(year as number, (month as number) - 1, day, hour, minute) / MINUTE)
    }
  }
}

/** A field is a list of numbers, a step, or anything. */
type Field = readonly number[] | { readonly step: number } | null
interface Schedule {
  readonly minute: Field
  readonly hour: Field
  readonly weekday: Field
}

const textOf = (field: Field) =>
  field === null ? '*' : 'step' in field ? `*/${field.step}` : field.join(',')
const has = (field: Field, value: number) =>
  field === null || ('step' in field ? value % field.step === 0 : field.includes(value))
const isList = (field: Field) => field !== null && !('step' in field)

/** Slow and obvious: walks over all the minutes as Vixie cron does. @returns those at which it opens, by index. */
function openings({ minute, hour, weekday }: Schedule, { shown }: Wall): Set<number> {
  const matches = (wall: number) =>
    has(minute, wall % 60) &&
    has(hour, Math.floor(wall / 60) % 24) &&
    has(weekday, new Date(wall * MINUTE).getUTCDay())
  const isFixed = isList(minute) && isList(hour)
  const found = new Set<number>()
  let latest = (shown[0] as number) - 1
  for (const [index, wall] of shown.entries()) {
    if (isFixed) for (let each = latest + 1; each <= wall; each++) matches(each) && found.add(index)
    else if (matches(wall)) found.add(index)
    latest = Math.max(latest, wall)
  }
  return found
}

describe('KeepWarm', () => {
  const walls = (
    [
      ['UTC', '2026-02-26T00:00Z'],
      ['Europe/Berlin', '2026-03-27T00:00Z'],
      ['Europe/Berlin', '2026-10-23T00:00Z'],
      ['America/New_York', '2026-03-06T00:00Z'],
      ['America/New_York', '2026-10-30T00:00Z'],
      ['Asia/Kolkata', '2026-05-01T00:00Z'],
      // Half an hour, at 02:00.
      ['Australia/Lord_Howe', '2026-04-02T00:00Z'],
      ['Australia/Lord_Howe', '2026-10-01T00:00Z'],
      // At midnight: the day begins at 01:00, or comes back for an hour.
      ['Africa/Cairo', '2026-04-22T00:00Z'],
      ['Africa/Cairo', '2026-10-27T00:00Z'],
    ] as const
  ).map(([tz, from]) => ({ tz, wall: new Wall(tz, from, 5) }))

  const fieldOf = (max: number, steps: number[]): fc.Arbitrary<Field> =>
    fc.oneof(
      { weight: 3, arbitrary: fc.uniqueArray(fc.nat(max), { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constantFrom(...steps).map((step) => ({ step })) },
      { weight: 1, arbitrary: fc.constant(null) },
    )
  const schedule = fc.record({
    minute: fieldOf(59, [7, 15, 20]),
    // Early hours, where clocks change.
    hour: fieldOf(4, [2, 3, 5]),
    weekday: fc.oneof(fc.constant(null), fieldOf(6, [2])),
    forMinutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 1_500 })),
    min: fc.integer({ min: 1, max: 3 }),
  })

  it('agrees with a calendar that is walked minute by minute, in any zone on any day', () => {
    const cases = fc.record({
      zone: fc.constantFrom(...walls),
      schedules: fc.array(schedule, { minLength: 1, maxLength: 2 }),
    })
    fc.assert(
      fc.property(cases, ({ zone: { tz, wall }, schedules }) => {
        const windows = schedules.map(({ minute, hour, weekday, forMinutes, min }) =>
          window(
            [textOf(minute), textOf(hour), '*', '*', textOf(weekday)].join(' '),
            forMinutes * MINUTE,
            min,
            tz,
          ),
        )
        const expected: number[] = wall.shown.map(() => 0)
        for (const each of schedules) {
          for (const from of openings(each, wall)) {
            const to = Math.min(from + each.forMinutes, expected.length)
            for (let i = from; i < to; i++) expected[i] = Math.max(expected[i] as number, each.min)
          }
        }
        // The first two days are for windows that opened before.
        const warm = new KeepWarm(windows)
        const begin = wall.fromMs + 2 * DAY
        const end = wall.fromMs + 5 * DAY
        for (let t = begin, next = begin; t < end; t = next) {
          next = warm.nextChange(t)
          expect(next).toBeGreaterThan(t)
          const min = warm.minAt(t)
          for (let minute = t; minute < Math.min(next, end); minute += MINUTE) {
            const index = (minute - wall.fromMs) / MINUTE
            if (expected[index] !== min) expect([iso(minute), min]).toEqual([iso(minute), expected[index]])
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  it('changes at no time in a year that nextChange() did not name', () => {
    const warm = new KeepWarm([
      window('0 8 * * 1-5', 10 * HOUR, 2),
      window('30 2 * * *', 2 * HOUR, 1),
      window('0 12 L * *', 3 * HOUR, 4, 'America/New_York'),
    ])
    const end = at('2027-01-01T00:00Z')
    let [looks, seen] = [0, 0]
    let sample = at('2026-01-01T00:00Z')
    for (let t = sample, next = t; t < end; t = next, looks++) {
      next = warm.nextChange(t)
      const min = warm.minAt(t)
      expect(warm.minAt(next - 1)).toBe(min)
      // An odd step, so that all times of a day are seen.
      for (; sample < next; sample += 307 * MINUTE, seen++)
        expect([iso(sample), warm.minAt(sample)]).toEqual([iso(sample), min])
    }
    expect([looks > 1_200, looks < 1_400, seen > 1_700]).toEqual([true, true, true])
  })
})
