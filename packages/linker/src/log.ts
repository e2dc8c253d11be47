import type { LinkerEvent } from './event.ts'

/** Where a linker's own lines go, and in which form. Its standard output belongs to the application. */
export interface LogSink {
  readonly format: 'text' | 'json'
  /** Only what went wrong: an edge that launched this linker tells the rest itself. */
  readonly isQuiet: boolean
  readonly route: string
  write(line: string): void
}

/** Makes one line of an event, or none. */
export function logEvent(sink: LogSink, event: LinkerEvent): void {
  const described = describe(event)
  if (described === null || (sink.isQuiet && described.level === 'info')) return
  const { level, text, fields } = described
  if (sink.format === 'json') {
    sink.write(
      JSON.stringify({ level, time: new Date().toISOString(), app: sink.route, msg: text, ...fields }),
    )
  } else {
    const details = Object.values(fields ?? {}).filter((value) => value !== '')
    sink.write(
      `${new Date().toTimeString().slice(0, 8)} ${sink.route.padEnd(12)} ${[text, ...details].join('  ')}`,
    )
  }
}

interface Described {
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
  readonly fields?: Readonly<Record<string, string | number>>
}

function describe(event: LinkerEvent): Described | null {
  switch (event.type) {
    case 'app-started':
      return { level: 'info', text: 'application started', fields: { pid: event.pid, port: event.port } }
    case 'listening':
      return {
        level: 'info',
        text: `listening on ${event.address} after ${(event.tookMs / 1000).toFixed(2)}s`,
      }
    case 'connected':
      return { level: 'info', text: 'connected', fields: { edge: event.edge } }
    case 'disconnected':
      return event.code === 'link/left'
        ? null
        : { level: 'info', text: 'disconnected', fields: { edge: event.edge, reason: event.message } }
    case 'refused':
      return {
        level: event.isFinal ? 'error' : 'warn',
        text: event.isFinal ? 'refused by the edge' : 'cannot reach the edge',
        fields: { code: event.code, reason: event.message },
      }
    case 'phase':
      return {
        level: event.phase === 'failed' ? 'error' : 'info',
        text: event.phase,
        fields: { reason: event.reason },
      }
    case 'bad-response':
      return { level: 'warn', text: 'bad exchange with the application', fields: { reason: event.message } }
    case 'unreachable':
      return { level: 'warn', text: 'the application does not accept connections' }
    case 'notice':
      return { level: 'warn', text: event.message }
    case 'bug':
      return {
        level: 'error',
        text: 'a bug in brxy',
        fields: {
          error:
            event.error instanceof Error ? (event.error.stack ?? event.error.message) : String(event.error),
        },
      }
  }
}
