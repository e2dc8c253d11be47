import { isBrxyError } from '@brxy/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RouteError, type RouteMatch, type RouteRule, RouteTable } from './route-table.ts'

/** A rule whose target is its name, in which `/x!` is the prefix `/x` with `strip`. */
function rule(name: string, hosts: readonly string[], paths: readonly string[] = []): RouteRule<string> {
  return {
    name,
    hosts,
    paths: paths.map((text) => ({ prefix: text.replace(/!$/, ''), strip: text.endsWith('!') })),
    target: name,
  }
}

const request = (target: string) => ({ target: () => target })

/** For hosts whose paths do not matter: asking for one fails the test. */
const pathless = {
  target(): string {
    throw new Error('the target was asked for')
  },
}

function thrownBy(rules: readonly RouteRule<string>[]): RouteError {
  try {
    new RouteTable(rules)
  } catch (error) {
    if (error instanceof RouteError) return error
    throw error
  }
  throw new Error('no error was thrown')
}

describe('RouteTable, by host', () => {
  const table = new RouteTable([
    rule('any', []),
    rule('wide', ['*.example.com']),
    rule('deep', ['*.eu.example.com', '*.us.example.com']),
    rule('shop', ['Shop.Example.com.', 'shop.test']),
    rule('exactly', ['a.eu.example.com']),
    rule('loopback', ['127.0.0.1', '[::1]']),
  ])

  it.each([
    ['shop', 'shop.example.com', ['shop.example.com']],
    ['shop', 'shop.test', ['shop.test']],
    ['exactly', 'a.eu.example.com', ['a.eu.example.com']],
    ['deep', '*.eu.example.com', ['b.eu.example.com', 'b.a.eu.example.com']],
    ['deep', '*.us.example.com', ['x.us.example.com']],
    ['wide', '*.example.com', ['eu.example.com', 'a.shop.example.com', 'a.b.c.d.example.com']],
    ['loopback', '127.0.0.1', ['127.0.0.1']],
    ['loopback', '[::1]', ['[::1]']],
    ['any', '*', ['example.com', '.example.com', 'evilexample.com', 'shop.example.com.evil', 'com', '']],
  ])('gives to %s, by %s, without a look at the path: %j', (name, pattern, hosts) => {
    const expected = { target: name, name, pattern, prefix: '', strip: false, priorityMs: 0 }
    for (const host of hosts) expect(table.find(host, pathless), host).toEqual(expected)
  })

  it('gives a host of no rule to nobody', () => {
    const few = new RouteTable([rule('shop', ['shop.test', '*.shop.test'])])
    for (const host of ['', 'test', 'shop', 'shop.test.x', 'ashop.test', '*', '*.shop.test'.slice(1)]) {
      expect(few.find(host, pathless), host).toBeNull()
    }
  })

  it('takes * beside other patterns, and no rule at all', () => {
    expect(new RouteTable([rule('all', ['x', '*'])]).find('y', pathless)?.pattern).toBe('*')
    expect(new RouteTable([]).find('y', pathless)).toBeNull()
  })

  it('keeps its bounds with the longest host that there can be', () => {
    const labels = `${'a.'.repeat(126)}a`
    const dots = '.'.repeat(253)
    const below = new RouteTable([rule('a', ['*.a']), rule('longest', [`*.${labels.slice(2)}`])])
    expect(below.find(labels, pathless)?.name).toBe('longest')
    expect(below.find(labels.slice(2), pathless)?.name).toBe('a')
    expect(below.find(dots, pathless)).toBeNull()
  })

  it('gives the same object each time', () => {
    for (const host of ['shop.test', 'x.us.example.com', 'nowhere']) {
      expect(table.find(host, pathless)).toBe(table.find(host, pathless))
    }
  })

  it('counts pairs of host and prefix', () => {
    expect([table.size, new RouteTable([]).size]).toEqual([9, 0])
    expect(new RouteTable([rule('x', ['a', 'b'], ['/1', '/2', '/'])]).size).toBe(6)
  })
})

describe('RouteTable, by path', () => {
  const table = new RouteTable([
    rule('shop', ['shop.test', '*.shop.test']),
    rule('api', ['shop.test'], ['/api/', '/api/v2/admin!']),
    rule('apix', ['shop.test'], ['/apixy']),
    rule('only', ['only.test', 'www.shop.test'], ['/only!', '/a//b']),
  ])

  it.each([
    ['shop', '', ['/', '/ap', '/apix', '/api.html', '/API', '/%61pi', '*']],
    ['shop', '', ['//api', '/./api', '/x/api', '/x?/api', '/?/api']],
    ['apix', '/apixy', ['/apixy']],
    ['api', '/api', ['/api', '/api/', '/api/x/y/z', '/api?q', '/api?q=/v2/admin', '/api/v2?/admin']],
    ['api', '/api', ['/api/v2', '/api/v2/administration', '/api/v2/../../x', '/api//v2/admin']],
    ['api', '/api/v2/admin', ['/api/v2/admin', '/api/v2/admin/', '/api/v2/admin/x?y', '/api/v2/admin?']],
  ])('gives to %s, by the path "%s": %j', (name, prefix, targets) => {
    const strip = prefix === '/api/v2/admin'
    const expected = { target: name, name, pattern: 'shop.test', prefix, strip, priorityMs: 0 }
    for (const each of targets) expect(table.find('shop.test', request(each)), each).toEqual(expected)
  })

  it.each(['/', '/onl', '/only1', '/a/b', '/a', '*'])('gives %s to nobody where no rule has it', (target) => {
    expect(table.find('only.test', request(target))).toBeNull()
  })

  it('tells empty segments apart', () => {
    expect(table.find('only.test', request('/a//b/c'))?.prefix).toBe('/a//b')
  })

  it('does not fall through to a less specific host', () => {
    expect(table.find('www.shop.test', request('/'))).toBeNull()
    expect(table.find('www.shop.test', request('/only'))?.name).toBe('only')
    expect(table.find('w.shop.test', pathless)?.name).toBe('shop')
  })

  it('asks for the target once, and only if the host has paths', () => {
    let asked = 0
    const counting = { target: () => `/api/v2/${++asked}` }
    table.find('shop.test', counting)
    expect(asked).toBe(1)
    table.find('w.shop.test', counting)
    table.find('unknown', counting)
    new RouteTable([rule('root', ['shop.test'], ['/'])]).find('shop.test', counting)
    expect(asked).toBe(1)
  })

  it.each([
    ['shop.test', `/x${'/x'.repeat(50_000)}`, ['shop.test', '/x', '/x/x', '/x/x/x']],
    ['shop.test', `/api/${'x'.repeat(100_000)}`, ['shop.test', '/api']],
    ['shop.test', '/api/v2/admin/x?/y', ['shop.test', '/api', '/api/v2', '/api/v2/admin']],
    ['a.b.shop.test', '/', ['a.b.shop.test', 'b.shop.test', 'shop.test']],
    ['a.b.c', '/', ['a.b.c', 'b.c', 'c']],
  ])(
    'looks up no more than labels, and segments down to its deepest and longest prefix: %s%.20s',
    (...args) => {
      const [host, target, expected] = args
      expect(lookedUp(() => table.find(host, request(target)))).toEqual(expected)
    },
  )
})

/** The keys that `run` asks any map for: what a lookup costs, as no clock could say it. */
function lookedUp(run: () => void): unknown[] {
  const keys: unknown[] = []
  const original = Map.prototype.get
  Map.prototype.get = function (key) {
    keys.push(key)
    return original.call(this, key)
  }
  try {
    run()
  } finally {
    Map.prototype.get = original
  }
  return keys
}

describe('RouteTable, given a mistake', () => {
  const hopeless =
    '*. *.. ** *com *.*.com a.* shop:80 shop: *.shop:80 a/b http://shop é ::1 [::1 [::1]:80 *.[::1]'
  it.each(['', 'a b', ...hopeless.split(' ')])(
    'refuses the host %j, which can match nothing, and says where it is',
    (host) => {
      const error = thrownBy([rule('fine', ['fine']), rule('faulty', ['ok', host, '!'], ['/'])])
      expect(error).toMatchObject({ code: 'edge/bad-host', position: { rule: 1, host: 1 }, earlier: null })
      expect(error.position).not.toHaveProperty('path')
      expect(error.message).toMatch(/^rule "faulty": ".*" is no host pattern; expected a name/)
    },
  )

  it.each(['', 'api', '*', '/a?', '/a#', '/a b', '/\n', '/é'])(
    'refuses the path %j, and says where it is',
    (path) => {
      const error = thrownBy([rule('faulty', ['ok'], ['/ok', path, 'also bad'])])
      expect(error).toMatchObject({ code: 'edge/bad-path', position: { rule: 0, path: 1 }, earlier: null })
      expect(error.position).not.toHaveProperty('host')
      expect(error.message).toMatch(/^rule "faulty": ".*" is no path prefix; expected one like \/api/)
    },
  )

  it('refuses what is too long for a host, for a name below a wildcard, and for a path', () => {
    const [host, below, path] = ['a'.repeat(253), `*.${'a'.repeat(251)}`, `/${'x'.repeat(1023)}`]
    expect(new RouteTable([rule('longest', [host, below], [path])]).size).toBe(2)
    expect(thrownBy([rule('x', [`${host}a`])]).code).toBe('edge/bad-host')
    expect(thrownBy([rule('x', [`${below}a`])]).code).toBe('edge/bad-host')
    expect(thrownBy([rule('x', [], [`${path}x`])]).code).toBe('edge/bad-path')
  })

  it('refuses what two rules claim, and names both, the host, the path and their places', () => {
    const error = thrownBy([
      rule('other', []),
      rule('first', ['x.test', 'Shop.Test'], ['/', '/api/']),
      rule('second', ['shop.test.'], ['/api/v2', '/v3', '/api!']),
    ])
    expect(error).toMatchObject({
      code: 'edge/duplicate-route',
      message:
        '"first" and "second" both claim the path /api of the host shop.test; remove it from one, or give it another path',
      position: { rule: 2, host: 0, path: 2 },
      earlier: { rule: 1, host: 1, path: 1 },
    })
  })

  it.each([
    ['every path of the host *', rule('a', []), rule('b', ['*']), { rule: 1, host: 0 }, { rule: 0 }],
    ['every path of the host *', rule('a', [], ['/']), rule('b', []), { rule: 1 }, { rule: 0, path: 0 }],
    [
      'every path of the host *.x',
      rule('a', ['*.x']),
      rule('b', ['*.X.'], ['//']),
      { rule: 1, host: 0, path: 0 },
      { rule: 0, host: 0 },
    ],
  ])('refuses %s twice, whichever way it is written', (what, first, second, position, earlier) => {
    const error = thrownBy([first, second])
    expect(error.message).toContain(`both claim ${what};`)
    expect([error.position, error.earlier]).toEqual([position, earlier])
  })

  it('refuses a rule that claims one thing twice', () => {
    const error = thrownBy([rule('a', ['x', 'y', 'X'], ['/p'])])
    expect(error).toMatchObject({
      message: 'rule "a" claims the path /p of the host x twice; remove one',
      position: { rule: 0, host: 2, path: 0 },
      earlier: { rule: 0, host: 0, path: 0 },
    })
  })

  it('has an error of one line and of bounded length that every part of brxy recognises', () => {
    const error = thrownBy([rule(`two\nlines${'x'.repeat(5000)}`, [`h\n${'y'.repeat(5000)}`])])
    expect(isBrxyError(error)).toBe(true)
    expect(error.message).not.toContain('\n')
    expect(error.message.length).toBeLessThan(400)
  })
})

describe('RouteTable, beside a scan of all rules', () => {
  const label = fc.constantFrom('a', 'b', 'c')
  const hostKey = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
  const pattern = fc.oneof(
    { weight: 4, arbitrary: hostKey },
    { weight: 4, arbitrary: hostKey.map((name) => `*.${name}`) },
    { weight: 1, arbitrary: fc.constant('*') },
  )
  const written = fc
    .tuple(pattern, fc.boolean(), fc.boolean())
    .map(
      ([text, isUpper, hasDot]) =>
        (isUpper ? text.toUpperCase() : text) + (hasDot && text !== '*' ? '.' : ''),
    )
  const segment = fc.constantFrom('x', 'x', 'x', 'y', 'xy', '')
  const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join('/')}`)
  const query = fc.constantFrom('', '', '?', '?/x', '?x/y')
  const target = fc.oneof(
    { weight: 9, arbitrary: fc.tuple(path, query).map((parts) => parts.join('')) },
    { weight: 1, arbitrary: fc.constant('*') },
  )
  const anyRule = fc.record({
    hosts: fc.array(written, { maxLength: 3 }),
    paths: fc.array(fc.record({ prefix: path, strip: fc.boolean(), priorityMs: fc.nat(60_000) }), {
      maxLength: 3,
    }),
  })

  it('agrees, on hits and on misses', () => {
    const seen = { hit: 0, miss: 0, unclaimed: 0, prefix: 0, wildcard: 0 }
    fc.assert(
      fc.property(
        fc.array(anyRule, { maxLength: 12 }),
        fc.array(fc.tuple(hostKey, target), { minLength: 20, maxLength: 20 }),
        (drawn, requests) => {
          const rules = withoutDuplicates(drawn.map((each, i) => ({ ...each, name: `r${i}`, target: i })))
          const table = new RouteTable(rules)
          expect(table.size).toBe(rules.flatMap(claimsOf).length)
          for (const [host, target] of requests) {
            const expected = scan(rules, host, target)
            expect(table.find(host, request(target)), `${host}${target}`).toEqual(expected.match)
            seen[expected.match === null ? 'miss' : 'hit']++
            if (expected.match === null && expected.pattern !== null) seen.unclaimed++
            if (expected.match?.prefix) seen.prefix++
            if (expected.match?.pattern.startsWith('*.')) seen.wildcard++
          }
        },
      ),
      { numRuns: 500 },
    )
    // Not vacuous: of 10,000 requests, each kind is frequent.
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(500)
  })
})

type Claim = Pick<RouteMatch<unknown>, 'pattern' | 'prefix' | 'strip' | 'priorityMs'>

/** What a rule claims, normalised in a way of its own. */
function claimsOf({ hosts, paths }: RouteRule<unknown>): Claim[] {
  const patterns = (hosts.length === 0 ? ['*'] : hosts).map((text) => text.toLowerCase().replace(/\.$/, ''))
  const entries = paths.length === 0 ? [{ prefix: '/', strip: false, priorityMs: 0 }] : paths
  return patterns.flatMap((pattern) =>
    entries.map(({ prefix, strip, priorityMs = 0 }) => ({
      pattern,
      prefix: prefix.replace(/\/+$/, ''),
      strip,
      priorityMs,
    })),
  )
}

/** The rules but for those that claim what one before them, or they themselves, claimed. */
function withoutDuplicates<T>(rules: readonly RouteRule<T>[]): RouteRule<T>[] {
  const taken = new Set<string>()
  return rules.filter((each) => {
    const keys = claimsOf(each).map(({ pattern, prefix }) => `${pattern} ${prefix}`)
    if (new Set(keys).size < keys.length || keys.some((key) => taken.has(key))) return false
    for (const key of keys) taken.add(key)
    return true
  })
}

/** Says by comparing every claim what `find` should; and the pattern that the host belongs to. */
function scan<T>(
  rules: readonly RouteRule<T>[],
  host: string,
  target: string,
): { match: RouteMatch<T> | null; pattern: string | null } {
  const claims = rules.flatMap((each) =>
    claimsOf(each).map((claim) => ({ target: each.target, name: each.name, ...claim })),
  )
  const rank = (pattern: string) => (pattern === host ? 1000 : pattern.length)
  const pattern =
    claims
      .map((claim) => claim.pattern)
      .filter((each) => each === host || each === '*' || (each[0] === '*' && host.endsWith(each.slice(1))))
      .sort((a, b) => rank(b) - rank(a))[0] ?? null
  const path = target.replace(/\?.*/, '')
  const match = claims
    .filter((claim) => claim.pattern === pattern)
    .filter(({ prefix }) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0]
  return { match: match ?? null, pattern }
}

describe('RouteTable, of 100,000 routes', () => {
  /** Three kinds in turn: a name; a wildcard; a name with two paths and one for the rest. */
  function rules(count: number): RouteRule<string>[] {
    return Array.from({ length: count }, (_, i) => {
      if (i % 5 === 0) return rule(`r${i}`, [`shop${i}.example.com`])
      if (i % 5 === 1) return rule(`r${i}`, [`*.shop${i}.example.com`])
      const paths = [['/api'], ['/api/v2!'], []][(i % 5) - 2]
      return rule(`r${i}`, [`api${i - (i % 5)}.example.com`], paths)
    })
  }

  const requests = [
    'shop0.example.com',
    'a.b.shop1.example.com',
    'api0.example.com',
    'api5.example.com',
    'no.where',
  ].flatMap((host) =>
    ['/', '/api/v2/x?y', '/apiary/v2', '/api'].map((target) => ({ host, request: request(target) })),
  )

  function lookupMs(table: RouteTable<string>): number {
    const start = performance.now()
    let found = 0
    for (let i = 0; i < 2000; i++) {
      for (const each of requests) if (table.find(each.host, each.request) !== null) found++
    }
    expect(found).toBe(2000 * 16)
    return performance.now() - start
  }

  it('is built within 2 s, and asked as fast as one of 10', { retry: 2 }, () => {
    const input = rules(100_000)
    const builds = Array.from({ length: 3 }, () => {
      const start = performance.now()
      const table = new RouteTable(input)
      return { table, ms: performance.now() - start }
    })
    // The fastest of them, which is the one that other processes disturbed least.
    const { table: large, ms: buildMs } = builds.sort((a, b) => a.ms - b.ms)[0]
    const small = new RouteTable(rules(10))
    expect([large.size, small.size]).toEqual([100_000, 10])

    // The same hosts in both: what differs is the work, not what the caches of the processor hold. In turns, so that noise falls on both; the median, so that a pause of the machine falls on neither.
    const ratios = Array.from({ length: 21 }, () => lookupMs(large) / lookupMs(small)).slice(6)
    const ratio = ratios.sort((a, b) => a - b)[7]
    const eachUs = (lookupMs(large) * 1000) / (2000 * requests.length)
    console.log(
      `100,000 routes: built in ${buildMs.toFixed(0)} ms, ${eachUs.toFixed(2)} us a lookup, ${ratio.toFixed(2)} x that of 10 routes`,
    )
    expect(buildMs).toBeLessThan(2000)
    expect(ratio).toBeLessThan(5)
  })
})
