import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ApiObject, isLacking } from '@brxy-tooling/engines'
import { loadAll } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { shareKubernetes } from './kubernetes.testkit.ts'
import { Least } from './least.testkit.ts'
import { Life, MODES, type Mode } from './life.testkit.ts'

/** So long it is waited that something does not work. */
const VAIN_MS = 12_000
const EXAMPLES = new URL('../../../examples/kubernetes/', import.meta.url)

/** Role and binding of an example. */
function example(mode: Mode): ApiObject[] {
  return loadAll(readFileSync(fileURLToPath(new URL(`role-${mode}.yaml`, EXAMPLES)), 'utf8'))
}

/** Each verb of each rule, alone: what can be taken away. */
function rulesOf(mode: Mode): { name: string; verb: string; resource: string; without: ApiObject[] }[] {
  const [role] = example(mode)
  return role.rules.flatMap((rule: ApiObject, index: number) =>
    rule.verbs.map((verb: string) => ({
      name: `${verb} ${rule.resources[0]}`,
      verb,
      resource: rule.resources[0],
      without: role.rules
        .map((each: ApiObject, at: number) =>
          at === index ? { ...each, verbs: rule.verbs.filter((other: string) => other !== verb) } : each,
        )
        .filter(({ verbs }: ApiObject) => verbs.length > 0),
    })),
  )
}

describe.skipIf(await isLacking('kubernetes'))('the roles of the examples', () => {
  const kubernetes = shareKubernetes()

  // Each has a namespace of its own, so they are tried beside each other.
  describe.concurrent.each(MODES)('%s', (mode) => {
    it('is enough for all that the adapter does', async () => {
      await lifeOf(mode)
    })

    it.each(rulesOf(mode))('has nothing that is not needed: $name', async (rule) => {
      const { verb, resource, without } = rule
      // What cannot be read of events is not told, and not complained of.
      const said =
        resource === 'events' ? 'in vain: the quota is told' : `cannot ${verb} resource "${resource}"`
      await expect(lifeOf(mode, without, VAIN_MS)).rejects.toThrow(said)
    })
  })

  async function lifeOf(mode: Mode, rules?: ApiObject[], quotaMs?: number): Promise<void> {
    const least = await Least.make(kubernetes(), example(mode), rules)
    try {
      await new Life(least, mode, quotaMs).live()
    } finally {
      await least.remove()
    }
  }
})
