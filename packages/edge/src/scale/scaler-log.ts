import type { Host } from '@brxy/scaler'
import type { EdgeEvent } from '../event.ts'

/**
 * What adapters log becomes events. A line that a launch wrote comes the same way, marked.
 *
 * @param copyOf the number of a launch, for its label
 */
export function scalerLog(
  emit: (event: EdgeEvent) => void,
  copyOf: (route: string, launch: string) => number | undefined,
): Host['log'] {
  return (level, message, fields = {}) => {
    const { output, route, launch, stream } = fields as {
      output?: boolean
      route?: string
      launch?: string
      stream?: string
    }
    if (output !== true || route === undefined || launch === undefined) {
      emit({ type: 'scaler', level, message, fields })
      return
    }
    const copy = copyOf(route, launch)
    const instance = copy === undefined ? route : `${route}/${copy}`
    emit({ type: 'output', app: route, instance, stream: stream ?? 'stdout', line: message })
  }
}
