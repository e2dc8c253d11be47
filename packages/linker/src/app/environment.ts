// Any credential of brxy's, present or future, and the files that hold them (BRXY_TOKEN_FILE). Whoever can make
// the application print its environment must not become able to pull its requests.
const SECRET = /^BRXY_.*(TOKEN|SECRET|PASSWORD|CREDENTIAL|KEY)/

/**
 * The environment of the application: the linker's own, plus `PORT`, minus brxy's secrets.
 *
 * What only describes the instance (`ROUTE`, `BRXY_EDGE`, `BRXY_LAUNCH`) stays: applications may use it.
 *
 * @param env the linker's environment; left untouched
 * @param port the port the application is to listen on; replaces a `PORT` that the linker was given
 */
export function appEnvironment(env: NodeJS.ProcessEnv, port: number): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !SECRET.test(name)) result[name] = value
  }
  result.PORT = String(port)
  return result
}
