import type { Invariant } from './invariant.ts'

/** A request ends once: for its client (who says so itself), and for whoever watches the edge. */
export const oneOutcome: Invariant = {
  name: 'a request has one outcome',
  watch({ chronicle, onEdgeEvent }, violated) {
    onEdgeEvent.push((_edge, event) => {
      if (event.type !== 'request') return
      const id = Number(event.target.slice(event.target.lastIndexOf('/') + 1))
      const record = chronicle.requests.get(id)
      if (record === undefined) violated(`an edge reports a request that nobody has sent: ${event.target}`)
      else if (++record.reports > 1) violated(`request ${id} is reported ${record.reports} times`)
    })
  },
}
