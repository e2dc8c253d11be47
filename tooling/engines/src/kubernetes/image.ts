import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Places } from './files.ts'

const run = promisify(execFile)

/** The namespace of containerd that Kubernetes uses. */
export const NAMESPACE = 'k8s.io'

/** What a container of an image runs. */
interface ImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly WorkingDir?: string
}

/** An image to be made of files, for there is no registry. */
export interface NodeImage {
  /** With a tag that is not `latest`, or pods ask a registry for it: `brxy.test/app:1`. */
  readonly name: string
  /** Puts the files of the image into an empty folder. */
  fill(rootfs: string): Promise<void> | void
  readonly config?: ImageConfig
}

/** Gives the node of a running engine an image of one layer, if it has none of that name. @param dir the engine's */
export async function importNodeImage(dir: string, { name, fill, config = {} }: NodeImage): Promise<void> {
  const ctr = (...words: string[]) =>
    run('ctr', ['-a', new Places(dir).containerdSocket, '-n', NAMESPACE, 'images', ...words])
  const { stdout } = await ctr('ls', '-q')
  if (stdout.split('\n').includes(name)) return
  const scratch = mkdtempSync(join(tmpdir(), 'brxy-image-'))
  try {
    const rootfs = join(scratch, 'rootfs')
    mkdirSync(rootfs)
    await fill(rootfs)
    const archive = await dockerArchive(scratch, name, rootfs, config)
    await ctr('import', archive)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** As `docker save` writes it: manifest.json, a config, one layer. @returns the archive's path */
async function dockerArchive(scratch: string, name: string, rootfs: string, config: ImageConfig) {
  const content = join(scratch, 'content')
  mkdirSync(content)
  await run('tar', ['-C', rootfs, '--owner=0', '--group=0', '-cf', join(content, 'layer.tar'), '.'])
  const digest = createHash('sha256')
    .update(readFileSync(join(content, 'layer.tar')))
    .digest('hex')
  const image = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  }
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]
  writeFileSync(join(content, 'config.json'), JSON.stringify(image))
  writeFileSync(join(content, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(scratch, 'image.tar')
  await run('tar', ['-C', content, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}
