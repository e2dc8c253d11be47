import type { Invariant } from './invariant.ts'

/** What a linker says that goes of its own accord, or because it was told to. */
const GOODBYES: ReadonlySet<string> = new Set(['idle', 'stopped by a signal'])

/** A session that is lost counts as a failed start if it had served nobody; one that ends with a goodbye never does. */
export const goodbye: Invariant = {
  name: 'an instance that says goodbye is not taken for lost',
  watch({ onEdgeEvent }, violated) {
    onEdgeEvent.push((_edge, event) => {
      if (event.type === 'left' && event.reason === 'lost' && GOODBYES.has(event.message))
        violated(`${event.instance} said "${event.message}"`)
    })
  },
}
