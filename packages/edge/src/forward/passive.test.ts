import { RequestDecoder, type RequestHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { MAX_USER_AGENT_BYTES, type PassiveAnswer, PassiveRules } from './passive.ts'

type Rules = ConstructorParameters<typeof PassiveRules>[0]
type Rule = NonNullable<Rules>[number]

const OK = { status: 200, body: '' }
const rule = (given: Partial<Rule>): Rule => ({ path: undefined, userAgents: [], whenAsleep: OK, ...given })
const matching = (...given: Partial<Rule>[]) => new PassiveRules(given.map(rule))

/** What the rules find in the head of a request. */
function find(rules: PassiveRules, target: string, ...fields: string[]): PassiveAnswer | null {
  const lines = [`GET ${target} HTTP/1.1`, 'Host: shop', ...fields]
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  let found: PassiveAnswer | null = null
  new RequestDecoder().push(bytes, 0, bytes.length, {
    onHead: (head: RequestHead) => {
      found = rules.find(head)
    },
    onData() {},
    onTrailers() {},
    onEnd() {},
    onError(error) {
      throw error
    },
  })
  return found
}

describe('PassiveRules', () => {
  it('finds nothing without rules', () => {
    expect(find(new PassiveRules([]), '/')).toBeNull()
    expect(find(new PassiveRules(undefined as unknown as Rules), '/')).toBeNull()
  })

  it.each([
    ['/healthz', true],
    ['/healthz?deep', true],
    ['/healthz?', true],
    ['/', false],
    ['/health', false],
    ['/healthz/', false],
    ['/healthzz', false],
    ['/Healthz', false],
    ['/%68ealthz', false],
    ['/x/healthz', false],
    ['http://shop/healthz', true],
    ['http://shop/healthz?deep', true],
    ['http://shop', false],
  ])('compares the path exactly, as it was sent: %s', (target, isMatch) => {
    expect(find(matching({ path: '/healthz' }), target) !== null).toBe(isMatch)
  })

  it('takes the path of a target without one for /', () => {
    for (const target of ['/', '/?a=b', 'http://shop', 'http://shop?a=b']) {
      expect(find(matching({ path: '/' }), target)).toEqual(OK)
    }
    expect(find(matching({ path: '/' }), '/x')).toBeNull()
  })

  it.each([
    ['UptimeRobot/2.0', true],
    ['Mozilla/5.0 (compatible; uptimerobot/2.0)', true],
    ['UPTIMEROBOT', true],
    ['UptimeRobo', false],
    ['Uptime Robot', false],
    ['UptimeUptimeRobot', true],
    ['kube-probe/1.31', true],
    ['curl/8', false],
  ])('looks for each text inside the User-Agent in any case: %s', (agent, isMatch) => {
    const rules = matching({ userAgents: ['UptimeRobot', 'KUBE-PROBE/'] })
    expect(find(rules, '/', `User-Agent: ${agent}`) !== null).toBe(isMatch)
  })

  it('finds no agent in a request that names none', () => {
    expect(find(matching({ userAgents: ['bot'] }), '/bot', 'X-Agent: bot')).toBeNull()
  })

  it('looks at each User-Agent of a request that has several', () => {
    const fields = ['User-Agent: one', 'Accept: */*', 'User-Agent: two']
    expect(find(matching({ userAgents: ['two'] }), '/', ...fields)).toEqual(OK)
  })

  it('folds ASCII letters only', () => {
    const rules = matching({ userAgents: ['@[bÄt'] })
    const sent = (agent: string) => find(rules, '/', `User-Agent: ${Buffer.from(agent).toString('latin1')}`)
    expect([sent('@[BÄT'), sent('`[bÄt'), sent('@{bÄt'), sent('@[bät')]).toEqual([OK, null, null, null])
  })

  it('looks at the first bytes of a User-Agent without an end', () => {
    const rules = matching({ userAgents: ['bot'] })
    const agentAt = (at: number) => `User-Agent: ${'x'.repeat(at)}bot`
    expect(find(rules, '/', agentAt(MAX_USER_AGENT_BYTES - 3))).toEqual(OK)
    expect(find(rules, '/', agentAt(MAX_USER_AGENT_BYTES - 2))).toBeNull()
  })

  it('wants both, path and agent, of a rule that has both', () => {
    const rules = matching({ path: '/', userAgents: ['bot'] })
    expect(find(rules, '/', 'User-Agent: a bot')).toEqual(OK)
    expect(find(rules, '/x', 'User-Agent: a bot')).toBeNull()
    expect(find(rules, '/', 'User-Agent: a cat')).toBeNull()
  })

  it('answers as the first rule that matches says', () => {
    const rules = matching(
      { path: '/a', whenAsleep: { status: 204, body: '' } },
      { userAgents: ['bot'], whenAsleep: { status: 503, body: 'asleep' } },
      { path: '/b' },
    )
    expect(find(rules, '/a', 'User-Agent: bot')?.status).toBe(204)
    expect(find(rules, '/b', 'User-Agent: bot')).toEqual({ status: 503, body: 'asleep' })
    expect(find(rules, '/b')).toEqual(OK)
  })

  it.each<[string, Partial<Rule>, string]>([
    [
      'matches everything',
      {},
      'apps.shop.passive[1]: matches every request; say `path`, `userAgents`, or both',
    ],
    ['has a path with a query', { path: '/x?y' }, 'apps.shop.passive[1].path: expected a path that'],
    ['has a path without a slash', { path: 'x' }, 'not "x"'],
    ['has a path that no URL has', { path: '/ä' }, 'apps.shop.passive[1].path: '],
    ['has an empty path', { path: '' }, 'apps.shop.passive[1].path: '],
    [
      'has an empty agent',
      { userAgents: ['a', ''] },
      'apps.shop.passive[1].userAgents[1]: expected 1 to 1024',
    ],
    [
      'has an agent too long to be found',
      { userAgents: ['a'.repeat(1025)] },
      'userAgents[0]: expected 1 to 1024',
    ],
    [
      'has a body for a status without one',
      { path: '/', whenAsleep: { status: 204, body: 'x' } },
      'apps.shop.passive[1].whenAsleep.body: a response with status 204 has no body',
    ],
  ])('refuses a rule that %s', (_, wrong, message) => {
    const make = () => new PassiveRules([rule({ path: '/' }), rule(wrong)], 'apps.shop.passive')
    expect(make).toThrow(expect.objectContaining({ code: 'options/invalid' }))
    expect(make).toThrow(message)
  })
})
