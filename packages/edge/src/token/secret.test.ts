import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSecret, loadSecret } from './secret.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brxy-secret-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

describe('loadSecret', () => {
  it('makes a secret that only its owner can read, and finds it again', async () => {
    const stateDir = join(dir, 'new', 'state')
    const secret = await loadSecret(stateDir)
    expect(secret.length).toBeGreaterThanOrEqual(43)
    expect((await stat(join(stateDir, 'secret'))).mode & 0o777).toBe(0o600)
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700)
    expect(await loadSecret(stateDir)).toEqual(secret)
  })

  it('gives edges that start at once in one directory the same secret, and leaves no draft behind', async () => {
    for (let round = 0; round < 30; round++) {
      const stateDir = join(dir, `${round}`)
      const secrets = await Promise.all(Array.from({ length: 8 }, () => loadSecret(stateDir)))
      expect(new Set(secrets.map((secret) => Buffer.from(secret).toString())).size).toBe(1)
      expect(await readdir(stateDir)).toEqual(['secret'])
    }
  })

  it('takes a secret that somebody wrote there', async () => {
    await writeFile(join(dir, 'secret'), 'sixteen letters!\n')
    expect(Buffer.from(await loadSecret(dir)).toString()).toBe('sixteen letters!')
  })

  it('refuses one that is too short, names the file and does not overwrite it', async () => {
    await writeFile(join(dir, 'secret'), 'short')
    await expect(loadSecret(dir)).rejects.toMatchObject({
      code: 'edge/bad-secret',
      message: expect.stringContaining(join(dir, 'secret')),
    })
    expect(await readFile(join(dir, 'secret'), 'utf8')).toBe('short')
  })

  it('says which file can be neither read nor made', async () => {
    await writeFile(join(dir, 'file'), '')
    await expect(loadSecret(join(dir, 'file'))).rejects.toMatchObject({
      code: 'edge/bad-secret',
      message: expect.stringContaining(join(dir, 'file', 'secret')),
    })
  })
})

describe('checkSecret', () => {
  it('says where a short secret came from, and never the secret', () => {
    expect(() => checkSecret('tooshort', 'BRXY_SECRET')).toThrow(
      'the secret in BRXY_SECRET has 8 characters; it needs at least 16',
    )
  })
})
