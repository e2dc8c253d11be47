import type { AppScaler, Scaler } from '@brxy/scaler'
import { expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'

/** A scaler that has no name for one route. */
const picky = (): Scaler => ({
  app(route): AppScaler {
    if (route === 'unspeakable') throw new Error('no name for it')
    return {
      launches: 'named',
      leave: 'exit',
      scale: async () => [],
      observe: async () => [],
    }
  },
  close: async () => {},
})

it('an exception ends the connection it happened on with 500 and nothing else', async () => {
  const scaler = { factory: picky, options: {}, appOptions: {}, isLocal: true }
  const edge = await TestEdge.start({}, scaler)
  const other = edge.client().get()
  await edge.untilHeld(1)
  const client = edge.client().get('/', '', 'unspeakable')
  expect(await client.ended()).toMatch(
    /^HTTP\/1.1 500 [\s\S]*error=proxy_internal_error; details="edge\/internal"/,
  )
  expect(edge.events.splice(0).filter(({ type }) => type === 'bug')).toMatchObject([
    { error: { message: 'no name for it' } },
  ])
  ;(await (await edge.linker()).next()).respond('unharmed')
  await other.until('unharmed')
  await edge.close()
})

it('an exception while a linker is admitted refuses it and nothing else', async () => {
  const scaler = { factory: picky, options: {}, appOptions: {}, isLocal: true }
  const edge = await TestEdge.start({}, scaler)
  await expect(edge.linker({ route: 'unspeakable' })).rejects.toMatchObject({ code: 'edge/hello-refused' })
  expect(edge.events.splice(0).filter(({ type }) => type === 'bug')).toHaveLength(1)
  await edge.linker()
  await edge.close()
})
