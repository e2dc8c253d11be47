import type { EdgeEvent } from '@brxy/edge'
import { pino, stdTimeFunctions } from 'pino'

/** One JSON object a line: a constant message, the data in fields. The application's output is `{app, instance, stream, msg}`. */
export function jsonLog(): (event: EdgeEvent) => void {
  const log = pino({
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  })
  return (event) => {
    switch (event.type) {
      case 'output': {
        const { app, instance, stream, line } = event
        log.info({ app, instance, stream }, line)
        return
      }
      case 'scaler':
        log[event.level](event.fields, event.message)
        return
      case 'bug':
        log.error({ err: event.error }, 'bug')
        return
      case 'launch-failed': {
        const { type: _, ...fields } = event
        log.error(fields, 'launch failed')
        return
      }
      default: {
        const { type, ...fields } = event
        log[type === 'rejected' ? 'warn' : 'info'](fields, type)
      }
    }
  }
}
