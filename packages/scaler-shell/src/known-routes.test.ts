import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Journal, type JournalEntry } from './journal.ts'
import { knownRoutes } from './known-routes.ts'

let stateDir: string
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'brxy-known-'))
})
afterEach(() => rmSync(stateDir, { recursive: true }))

const RUNNING: JournalEntry = { launch: 'l1', state: 'started', since: 5, pid: 4_000_000 }

function journal(owner: string, route: string): Journal {
  return new Journal(stateDir, { owner, route }, () => {})
}

describe('knownRoutes', () => {
  it('are those of which the owner has launches on disk, sorted, and of nobody else', async () => {
    for (const route of ['b.example', 'a.example']) {
      journal('edge-a', route).claim(RUNNING)
      journal('edge-a', route).claim({ ...RUNNING, launch: 'l2' })
    }
    journal('edge-b', 'foreign.example').claim(RUNNING)
    expect(await knownRoutes(stateDir, 'edge-a')).toEqual(['a.example', 'b.example'])
  })

  it('are none where nothing was ever started, and none of which everything is forgotten', async () => {
    expect(await knownRoutes(join(stateDir, 'absent'), 'edge-a')).toEqual([])
    const one = journal('edge-a', 'a.example')
    one.claim(RUNNING)
    one.remove(RUNNING.launch)
    expect(await knownRoutes(stateDir, 'edge-a')).toEqual([])
  })

  it('are found behind a corrupt file, and beside what is no journal', async () => {
    journal('edge-a', 'a.example').claim(RUNNING)
    const [directory] = readdirSync(stateDir)
    writeFileSync(join(stateDir, directory, '0.json'), 'half a')
    writeFileSync(join(stateDir, 'a file'), '')
    mkdirSync(join(stateDir, 'a directory'))
    writeFileSync(join(stateDir, 'a directory', 'x.json'), '{"version":99}')
    expect(await knownRoutes(stateDir, 'edge-a')).toEqual(['a.example'])
  })

  it('say which directory cannot be read', async () => {
    const file = join(stateDir, 'a file')
    writeFileSync(file, '')
    await expect(knownRoutes(file, 'edge-a')).rejects.toThrow(
      expect.objectContaining({ code: 'scaler/state', message: expect.stringContaining(file) }),
    )
  })
})
