import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { tempDir } from '@brxy-tooling/testkit'
import { load } from 'js-yaml'
import { examplePath, type KubernetesWorld } from './world.ts'

/** A section of the README of the examples: what it has its reader do. */
export class Steps {
  readonly #text: string

  /** @param title the section's */
  constructor(title: string) {
    const sections = readFileSync(examplePath('README.md'), 'utf8').split('\n## ')
    this.#text = sections.find((each) => each.startsWith(`${title}\n`)) ?? ''
  }

  /** The scaler that an app is to have. */
  get scaler(): object {
    const [, yaml = ''] = /`scaler: (.*?)`/.exec(this.#text) ?? []
    return load(yaml) as object
  }

  /** Its commands. */
  get commands(): string[] {
    const [, block = ''] = /```sh\n(.*?)```/s.exec(this.#text) ?? []
    return block.trim().split('\n')
  }

  /** Takes those steps whose command matches, one after the other, in a directory of their own and a namespace. */
  async take({ engine, namespace }: KubernetesWorld, which: RegExp): Promise<void> {
    const { path, remove } = tempDir()
    try {
      const config = JSON.parse(readFileSync(engine.env.KUBECONFIG as string, 'utf8'))
      config.contexts[0].context.namespace = namespace
      const kubeconfig = join(path, 'kubeconfig')
      writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 })
      const env = { ...process.env, ...engine.env, KUBECONFIG: kubeconfig }
      const commands = this.commands.filter((command) => which.test(command)).join('\n')
      await promisify(execFile)('sh', ['-ec', commands], { cwd: path, env })
    } finally {
      remove()
    }
  }
}
