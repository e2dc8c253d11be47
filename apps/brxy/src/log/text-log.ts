import { changeLine } from '../config/change.ts'
import type { LogEvent } from './event.ts'

const NAME_WIDTH = 14

/** Concise lines for people, one an event. */
export function textLog(
  version: string,
  write: (line: string) => void = writeLine,
): (event: LogEvent) => void {
  return (event) => {
    if (event.type === 'listening') {
      const { clients, schemes, tcp, tunnel, admin } = event
      const urls = clients.map((address, at) => `${schemes[at]}://${address}`)
      const ports = Object.entries(tcp).map(([app, address]) => `${app} tcp://${address}`)
      write(
        `brxy ${version}  ${[...urls, ...ports].join('  ')}   status http://${admin}/v1/status   tunnel ${tunnel}   ^C stops`,
      )
      return
    }
    const line = describe(event)
    if (line !== null)
      write(`${new Date().toTimeString().slice(0, 8)} ${line[0].padEnd(NAME_WIDTH)} ${line[1]}`)
  }
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Who, and what happened. */
function describe(event: LogEvent): readonly [string, string] | null {
  switch (event.type) {
    case 'launching': {
      const why = event.replaces === null ? `${event.held} held` : `copy ${event.replaces} is to be replaced`
      return [event.app, `${why}, starting copy ${event.copy}`]
    }
    case 'launch-failed': {
      const again = event.retryMs > 0 ? `; next try in ${seconds(event.retryMs)}` : ''
      const output = event.output === undefined ? '' : `\n${indent(event.output)}`
      return [
        event.instance,
        `failed to start (${event.problem.code}): ${event.problem.message}${again}${output}`,
      ]
    }
    case 'launch-slow':
      return [
        event.instance,
        `asked for ${seconds(event.tookMs)} ago and no linker has connected; does its command run \`brxy link\`?`,
      ]
    case 'connected':
      return null
    case 'ready':
      return [
        event.instance,
        `ready in ${seconds(event.tookMs)}, ${event.slots} slot${event.slots === 1 ? '' : 's'}`,
      ]
    case 'parked':
      return [event.instance, 'stopped its application, waits to be removed']
    case 'recalled':
      return [event.instance, `${event.held} held, starts again`]
    case 'left':
      return [
        event.instance,
        {
          idle: 'idle, left',
          replaced: 'replaced, left',
          signal: 'drained, left',
          failed: 'gone after its failure',
          lost: `lost: ${event.message}`,
        }[event.reason],
      ]
    case 'rejected':
      return ['linker', `rejected (${event.code}): ${event.message}`]
    case 'connection-refused': {
      const others = event.leftOut === 0 ? '' : `; ${event.leftOut} more since the last such line`
      return [
        'edge',
        `closed a connection of ${event.peer} to ${event.listener} (${event.code}): ${event.message}${others}`,
      ]
    }
    case 'request': {
      const held = event.heldMs >= 1 ? ` (held ${seconds(event.heldMs)})` : ''
      const error = event.error === null ? '' : ` ${event.error}`
      return [
        event.instance ?? event.app,
        `${event.method} ${event.target} ${event.status} ${seconds(event.tookMs)}${held}${error}`,
      ]
    }
    case 'output':
      return [event.instance, `| ${event.line}`]
    case 'scaler': {
      if (event.level === 'info') return null
      const error = (event.fields as { error?: string }).error
      return ['scaler', `${event.message}${error === undefined ? '' : `: ${error}`}`]
    }
    case 'reloaded':
      return [
        'config',
        event.changes.length === 0
          ? 'reloaded, no option is different'
          : `reloaded${list(event.changes.map(changeLine))}`,
      ]
    case 'reload-failed':
      return ['config', `not reloaded, the edge goes on as it was${list(event.problems)}`]
    case 'config-warning':
      return ['config', event.problem]
    case 'draining':
      return ['edge', `draining: running requests finish, ${afterwards(event.keeps)}`]
    case 'bug':
      return [
        'edge',
        `a bug in brxy: ${event.error instanceof Error ? event.error.stack : String(event.error)}`,
      ]
    default:
      return null
  }
}

/** What becomes of the instances of an edge that stops. */
function afterwards(keeps: number): string {
  if (keeps === 0) return 'instances stop'
  const who = keeps === 1 ? '1 instance goes on' : `${keeps} instances go on`
  return `${who} without this edge (onExit: keep) and leave unless it is back soon`
}

function seconds(ms: number): string {
  return ms < 10
    ? `${ms.toFixed(1)}ms`
    : ms < 10_000
      ? `${(ms / 1000).toFixed(2)}s`
      : `${(ms / 1000).toFixed(1)}s`
}

/** One on the same line, several below. */
function list(lines: readonly string[]): string {
  return lines.length === 1 ? `: ${lines[0]}` : `:\n${indent(lines.join('\n'))}`
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-20)
    .map((line) => `${' '.repeat(9)}${''.padEnd(NAME_WIDTH)} | ${line}`)
    .join('\n')
}
