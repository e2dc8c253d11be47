import type { Container, EnvVar } from './objects.ts'

/**
 * A container with the environment of a launch. The launch's variables replace those of the same names and stand first,
 * so that the template's own may refer to them as `$(BRXY_LAUNCH)`.
 */
export function withEnvironment(container: Container, env: Readonly<Record<string, string>>): Container {
  const launch: EnvVar[] = Object.entries(env).map(([name, value]) => ({ name, value: escaped(value) }))
  const own = (container.env ?? []).filter(({ name }) => !Object.hasOwn(env, name))
  return { ...container, env: [...launch, ...own] }
}

/** Kubernetes expands `$(NAME)` in values, and reads `$$` as `$`: doubled, each stays what it is. */
function escaped(value: string): string {
  return value.replaceAll('$', '$$$$')
}
