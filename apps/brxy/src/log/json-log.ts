import { pino, stdTimeFunctions } from 'pino'
import type { LogEvent } from './event.ts'

/** One JSON object a line: a constant message, the data in fields. The application's output is `{app, instance, stream, msg}`. */
export function jsonLog(): (event: LogEvent) => void {
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
      case 'reload-failed':
        log.error({ problems: event.problems }, 'reload failed')
        return
      case 'config-warning':
        log.warn({ problem: event.problem }, 'config warning')
        return
      default: {
        const { type, ...fields } = event
        const isOdd = type === 'rejected' || type === 'connection-refused'
        log[isOdd ? 'warn' : 'info'](fields, type)
      }
    }
  }
}
