import type { Invariant } from './invariant.ts'

/** A session that is lost counts as a failed start if it had served nobody; one that leaves when it is idle never does. */
export const goodbye: Invariant = {
  name: 'an instance that says goodbye is not taken for lost',
  watch({ onEdgeEvent }, violated) {
    onEdgeEvent.push((_edge, event) => {
      if (event.type === 'left' && event.reason === 'lost' && event.message === 'idle')
        violated(`${event.instance} said "${event.message}"`)
    })
  },
}
