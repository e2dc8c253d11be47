import type { Invariant } from './invariant.ts'

/** DESIGN 8: one that is to be replaced leaves when its successor serves, and not before. */
export const successors: Invariant = {
  name: 'nobody is replaced before its successor was ready',
  watch({ onEdgeEvent, chronicle }, violated) {
    // Labels are those of one edge: another one counts anew.
    const successorOf = new Map<string, string>()
    const ready = new Set<string>()
    onEdgeEvent.push((edge, event) => {
      const at = edge.process.name
      switch (event.type) {
        case 'listening':
          for (const known of [...successorOf.keys()]) if (known.startsWith(at)) successorOf.delete(known)
          for (const known of [...ready]) if (known.startsWith(at)) ready.delete(known)
          return
        case 'launching':
          if (event.replaces !== null)
            successorOf.set(`${at} ${event.app}/${event.replaces}`, `${at} ${event.app}/${event.copy}`)
          return
        case 'ready':
          ready.add(`${at} ${event.instance}`)
          return
        case 'left': {
          if (event.reason !== 'replaced') return
          chronicle.count('edge: replaced')
          const successor = successorOf.get(`${at} ${event.instance}`)
          if (successor === undefined || !ready.has(successor))
            violated(`${event.instance} left for ${successor}, which was not ready`)
          return
        }
      }
    })
  },
}
