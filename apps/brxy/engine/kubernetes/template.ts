import { readFileSync } from 'node:fs'
import { dump, load } from 'js-yaml'
import { examplePath, IMAGE } from './world.ts'

/**
 * An example of a template with the image of the tests, and the node's network, for there is no other.
 *
 * @param port of the application, where the linker is told
 * @param slots instead of the example's own
 */
export function exampleTemplate(name: string, port: number, slots = 4): string {
  const text = readFileSync(examplePath(name), 'utf8')
    .replaceAll(/registry\.example\.com\/[^\s]+/g, IMAGE)
    .replaceAll('/app/server.js', '/app.mjs')
    .replaceAll('8000', `${port}`)
    .replaceAll('"4"', `"${slots}"`)
  // biome-ignore lint/suspicious/noExplicitAny: a template, in the API's own words.
  const job: any = load(text)
  const { spec } = job.spec.template
  spec.hostNetwork = true
  for (const container of spec.initContainers ?? []) container.command = ['node', '/app.mjs']
  for (const container of spec.containers) {
    const [program, ...words] = container.command
    container.command = [program, '--idle', '2s', ...words]
    // The test machine may have less than a cluster.
    container.resources = undefined
  }
  return dump(job)
}

/** A template whose sidecar ends badly the first time, as an application does whose database is not there yet. */
export function endingOnce(template: string): string {
  // biome-ignore lint/suspicious/noExplicitAny: a template, in the API's own words.
  const job: any = load(template)
  const { spec } = job.spec.template
  const [sidecar] = spec.initContainers
  spec.volumes = [{ name: 'memory', emptyDir: {} }]
  sidecar.volumeMounts = [{ name: 'memory', mountPath: '/memory' }]
  const words = sidecar.command.join(' ')
  sidecar.command = ['sh', '-c', `test -e /memory/once || { echo >/memory/once; exit 1; }; exec ${words}`]
  return dump(job)
}
