import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

/** An image to be made of files, for there is no registry. */
export interface ImageOptions {
  /** `brxy-test/app` */
  readonly name: string
  /** Puts the files of the image into an empty folder. */
  fill(rootfs: string): Promise<void> | void
  /** As in a Dockerfile: `ENV PATH=/bin`. */
  readonly changes?: readonly string[]
}

/** Makes an image of one layer in the daemon at `host`, if it has none of that name. */
export async function importImage(host: string, { name, fill, changes = [] }: ImageOptions): Promise<void> {
  const isThere = () =>
    run('docker', ['image', 'inspect', name], { DOCKER_HOST: host }).then(
      () => true,
      () => false,
    )
  if (await isThere()) return
  const rootfs = mkdtempSync(join(tmpdir(), 'brxy-rootfs-'))
  try {
    await fill(rootfs)
    const flags = changes.flatMap((change) => ['--change', change])
    const tar = spawn('tar', ['-C', rootfs, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const load = spawn('docker', ['import', ...flags, '-', name], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, DOCKER_HOST: host },
    })
    tar.stdout.pipe(load.stdin)
    const [[code], [status]] = await Promise.all([once(load, 'exit'), once(tar, 'exit')])
    if (code !== 0 || status !== 0)
      throw new Error(`docker import of ${name} ended with ${code}, tar with ${status}`)
    // It is there for whoever asks at once.
    if (!(await isThere())) throw new Error(`docker import of ${name} made no image`)
  } finally {
    rmSync(rootfs, { recursive: true, force: true })
  }
}
