import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface App {
  instances: number
  readonly cmd: string
  readonly env: Readonly<Record<string, string>>
  readonly tasks: Map<string, ChildProcess>
}

/** What `POST /v2/apps` is given: the part of an app's description that is understood here. */
interface Description {
  readonly id: string
  readonly instances: number
  readonly cmd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Milliseconds for which a change locks its app. */
const DEPLOYMENT_MS = 50

/**
 * A stand-in for the part of Marathon's API that the recipe needs: apps whose tasks are processes of this machine, started
 * again when they end, and locked while a deployment is under way (409).
 *
 * Source: https://mesosphere.github.io/marathon/api-console/
 */
export class Marathon {
  /** What tasks find where they run. */
  readonly agent: { cwd?: string; env: NodeJS.ProcessEnv } = { env: { PATH: process.env.PATH } }
  outage: 'none' | 'refused' | 'silent' = 'none'
  readonly #apps = new Map<string, App>()
  readonly #locked = new Set<string>()
  readonly #server: Server = createServer((request, response) => this.#serve(request, response))
  #taskCount = 0

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** What an operator knows: `http://host:port`. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  url(app: string): string {
    return `${this.address}/v2/apps/${app}`
  }

  /** Without instances. */
  create(name: string, cmd: string): void {
    this.#post({ id: name, instances: 0, cmd })
  }

  running(name: string): { id: string; pid: number }[] {
    return [...(this.#apps.get(name)?.tasks ?? [])].map(([id, { pid }]) => ({ id, pid: pid ?? 0 }))
  }

  remove(name: string): void {
    const app = this.#apps.get(name)
    this.#apps.delete(name)
    for (const task of app?.tasks.values() ?? []) signal(task, 'SIGKILL')
  }

  async close(): Promise<void> {
    for (const name of [...this.#apps.keys()]) this.remove(name)
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.outage === 'refused') request.socket.destroy()
    if (this.outage !== 'none') return
    const body = await textOf(request)
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://marathon')
    if (request.method === 'POST' && pathname === '/v2/apps') {
      this.#post(JSON.parse(body) as Description)
      return void response.writeHead(201).end(body)
    }
    const [, name, tasks, task] = /^\/v2\/apps\/([^/]+)(\/tasks)?(?:\/([^/]+))?$/.exec(pathname) ?? []
    const app = this.#apps.get(name)
    const answer = (status: number, value: object) => response.writeHead(status).end(JSON.stringify(value))
    if (app === undefined) return void answer(404, { message: `App '/${name}' does not exist` })
    if (request.method === 'GET') {
      const { instances, cmd } = app
      const all = [...app.tasks.keys()].map((id) => ({ appId: `/${name}`, id, state: 'TASK_RUNNING' }))
      return void answer(
        200,
        tasks === undefined ? { app: { id: `/${name}`, cmd, instances } } : { tasks: all },
      )
    }
    if (this.#locked.has(name))
      return void answer(409, { message: 'App is locked by one or more deployments.' })
    if (request.method === 'DELETE') {
      const process = app.tasks.get(task)
      if (process === undefined) return void answer(404, { message: `Task '${task}' does not exist` })
      if (searchParams.get('scale') === 'true') app.instances--
      signal(process, 'SIGTERM')
    } else {
      app.instances = (JSON.parse(body) as { instances: number }).instances
    }
    this.#deploy(name, app)
    answer(200, { version: new Date().toISOString(), deploymentId: `${this.#taskCount}` })
  }

  #post({ id, instances, cmd, env = {} }: Description): void {
    const name = id.replace(/^\//, '')
    const app = { instances, cmd, env, tasks: new Map() }
    this.#apps.set(name, app)
    this.#deploy(name, app)
  }

  #deploy(name: string, app: App): void {
    this.#locked.add(name)
    setTimeout(() => this.#locked.delete(name), DEPLOYMENT_MS)
    while (app.tasks.size < app.instances) this.#start(name, app)
  }

  #start(name: string, app: App): void {
    const id = `${name}.instance-${++this.#taskCount}._app.1`
    const { cwd, env: own } = this.agent
    const env = { ...own, ...app.env, MESOS_TASK_ID: id, MARATHON_APP_ID: `/${name}` }
    const task = spawn('/bin/sh', ['-c', app.cmd], { cwd, env, detached: true, stdio: 'ignore' })
    // A platform of its own keeps nobody's process alive.
    task.unref()
    app.tasks.set(id, task)
    task.once('exit', () => {
      app.tasks.delete(id)
      // One that ends by itself is started again.
      if (this.#apps.get(name) === app) while (app.tasks.size < app.instances) this.#start(name, app)
    })
  }
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // It has ended.
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
