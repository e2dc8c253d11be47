import { EdgeProcess, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConfigFile } from './config-file.ts'

/** Every call of this adapter is refused by its platform, as with a wrong token. */
const DENYING = `
const denied = () => {
  const error = new Error('Testmad: token 7f3a has no right to submit jobs; give it the policy "submit"')
  throw Object.assign(error, { code: 'scaler/denied', [Symbol.for('brxy.error')]: true })
}
export default () => ({
  app: () => ({
    launches: 'named',
    leave: 'exit',
    scale: async () => denied(),
    observe: async () => denied(),
  }),
  async close() {},
})
`

let file: ConfigFile
let edge: EdgeProcess

beforeEach(async () => {
  file = new ConfigFile()
  file.beside('denying.mjs', DENYING)
  const [port] = await freePorts(1)
  const tunnel = { bind: `127.0.0.1:${port}`, advertise: `127.0.0.1:${port}` }
  file.set({ shop: { scaler: { './denying.mjs': {} } } }, { tunnel })
  edge = await EdgeProcess.start({ file: file.path })
})

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers(20_000)
  file.remove()
})

it('tells clients at once that the platform does not permit it, and operators why', async () => {
  const answer = await edge.ask('/', { host: 'shop.test' })
  expect(answer.status).toBe(503)
  expect(answer.json()).toMatchObject({
    code: 'edge/cannot-start',
    problem: 'denied',
    detail: expect.stringContaining('The platform does not permit it.'),
  })
  expect(answer.text).not.toMatch(/Testmad|7f3a/)
  const failed = await edge.event('launch failed')
  expect(failed.problem).toEqual({
    code: 'denied',
    message: 'Testmad: token 7f3a has no right to submit jobs; give it the policy "submit"',
    final: true,
  })
})
