import { normalizeHost } from '@brxy/http1'
import type { Farewell, Hello } from '@brxy/protocol'
import { App } from '../app.ts'
import type { Apps } from '../apps.ts'
import type { EdgeEvent } from '../event.ts'
import { allowsRoute, type Grant, type Tokens } from '../token/tokens.ts'
import type { Instance } from './instance.ts'

/** How long the token that WELCOME brings may be used to come back. */
const SESSION_TOKEN_MS = 24 * 3_600_000

export interface AdmissionsEnvironment {
  /** This edge's id, as WELCOME says it. */
  readonly edge: string
  readonly apps: Apps
  readonly tokens: Tokens
  readonly isDraining: () => boolean
  /** A linker is let in: requests may wait for what it says of the session that it lost. */
  readonly onHello: (hello: Hello) => void
  readonly emit: (event: EdgeEvent) => void
}

/** Answers HELLOs: which linker may serve which app. */
export class Admissions {
  readonly #env: AdmissionsEnvironment
  #sessions = 0

  constructor(env: AdmissionsEnvironment) {
    this.#env = env
  }

  async admit(hello: Hello, instance: Instance, grant: Grant): Promise<void> {
    const { emit } = this.#env
    try {
      // First, so that nothing happens between the checks and accept().
      const token = await this.#sessionToken(hello)
      if (instance.session.isClosed) return
      const answer = this.#judge(hello, grant)
      if (answer instanceof App) {
        this.#env.onHello(hello)
        instance.accept({ app: answer, order: ++this.#sessions, token })
        return
      }
      const { code, message } = answer
      emit({ type: 'rejected', code, message, route: hello.route })
      instance.reject(answer)
    } catch (error) {
      emit({ type: 'bug', error })
      instance.reject({
        code: 'edge/hello-refused',
        message: 'internal error; the log of the edge says more',
        retryable: true,
      })
    }
  }

  #sessionToken({ route, launch }: Hello): Promise<string> {
    const grant = { routes: [route], ...(launch === undefined ? {} : { launch }) }
    return this.#env.tokens.issue(grant, SESSION_TOKEN_MS)
  }

  /** The app that a linker may serve, or why none. A session that this one replaces ends. */
  #judge(hello: Hello, grant: Grant): App | Farewell {
    const { edge } = this.#env
    const refused = (code: string, message: string, retryable: boolean) => ({
      code,
      message,
      retryable,
      edge,
    })
    const { route } = hello
    if (!allowsRoute(grant, route)) {
      const allowed = grant.routes.length === 0 ? 'no route' : grant.routes.join(', ')
      return refused('token/foreign-route', `the token allows ${allowed}, not ${route}`, false)
    }
    if (this.#env.isDraining()) return refused('edge/stopping', 'this edge is stopping', true)
    // Requests are looked up by the normal form of their host: any other route would never get one.
    if (normalizeHost(route) !== route) {
      return refused(
        'edge/no-route',
        `"${route}" is no name of an app or host: lower case, without port`,
        false,
      )
    }
    const app = this.#env.apps.forRoute(route)
    if (app === 'edge/too-many-apps') {
      return refused(
        'edge/no-route',
        'this edge has as many active hosts as it may (maxRoutes, --max-apps)',
        true,
      )
    }
    if (typeof app === 'string') return refused('edge/no-route', `this edge does not serve ${route}`, true)
    if (app.isTaken(hello)) {
      return refused('edge/already-connected', 'another linker of the same launch has a live session', true)
    }
    const other = app.instances.get(hello.instance)
    if (other !== undefined) {
      if (!isSessionOf(edge, hello.replaces)) {
        return refused('edge/already-connected', 'this linker process has a live session', true)
      }
      other.giveWay()
    }
    return app
  }
}

/**
 * Whether a HELLO replaces a session of this edge. One of another edge is none of ours: the linker found its way here by
 * a second address. The edge's own id stands for whatever session there is (brxy.v1).
 */
function isSessionOf(edge: string, replaces: string | undefined): boolean {
  return replaces === edge || replaces?.startsWith(`${edge}-`) === true
}
