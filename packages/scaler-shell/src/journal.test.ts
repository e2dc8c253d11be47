import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Journal, type JournalEntry } from './journal.ts'

let stateDir: string
let corrupt: string[]
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'brxy-journal-'))
  corrupt = []
})
afterEach(() => rmSync(stateDir, { recursive: true }))

const SCOPE = { owner: 'edge-a', route: 'shop' }
const CLAIMED: JournalEntry = { launch: 'l/1 ../x', state: 'claimed', since: 5 }
const STARTED: JournalEntry = { ...CLAIMED, state: 'started', pid: 4_000_000, startTime: 'boot/7' }
const ENDED: JournalEntry = {
  ...STARTED,
  state: 'ended',
  problem: { code: 'crashed', message: 'status 3', final: true },
}

function journal(scope = SCOPE): Journal {
  return new Journal(stateDir, scope, (file, error) => corrupt.push(`${file} ${String(error)}`))
}

function onlyFile(): string {
  const [directory] = readdirSync(stateDir)
  const [file] = readdirSync(join(stateDir, directory))
  return join(stateDir, directory, file)
}

describe('Journal', () => {
  it('gives a later journal what was written last', () => {
    const before = journal()
    expect(before.claim(CLAIMED)).toBe(true)
    before.write(STARTED)
    before.write(ENDED)
    expect(journal().readNew()).toMatchObject([ENDED])
    expect(journal().read(ENDED.launch)).toMatchObject(ENDED)
    expect(corrupt).toEqual([])
  })

  it('lets only one of two journals claim a launch', () => {
    const [one, other] = [journal(), journal()]
    expect([one.claim(CLAIMED), other.claim(CLAIMED), one.claim(CLAIMED)]).toEqual([true, false, false])
  })

  it('returns each record once, and none of its own', () => {
    const [one, other] = [journal(), journal()]
    one.claim(CLAIMED)
    expect(one.readNew()).toEqual([])
    expect(other.readNew()).toHaveLength(1)
    expect(other.readNew()).toEqual([])
  })

  it('keeps owners and routes apart in one directory', () => {
    journal().claim(CLAIMED)
    expect(journal({ ...SCOPE, owner: 'edge-b' }).readNew()).toEqual([])
    expect(journal({ ...SCOPE, route: 'blog' }).readNew()).toEqual([])
    expect(journal({ ...SCOPE, owner: 'edge-b' }).claim(CLAIMED)).toBe(true)
  })

  it('forgets a launch that is removed', () => {
    const one = journal()
    one.claim(CLAIMED)
    one.remove(CLAIMED.launch)
    one.remove('unknown')
    expect(journal().readNew()).toEqual([])
  })

  it('writes files that only the user can read, and leaves no temporary ones', () => {
    journal().claim(CLAIMED)
    journal().write(STARTED)
    const [directory] = readdirSync(stateDir)
    expect(statSync(join(stateDir, directory)).mode & 0o777).toBe(0o700)
    expect(statSync(onlyFile()).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(stateDir, directory))).toHaveLength(1)
  })

  it.each([
    ['{"version":1', 'SyntaxError'],
    ['', 'SyntaxError'],
    ['null', 'TypeError'],
    [JSON.stringify({ version: 2, ...SCOPE, ...STARTED }), 'version 2 is not 1'],
    [JSON.stringify({ version: 1, ...SCOPE, ...STARTED, owner: 'x' }), 'another owner'],
    [JSON.stringify({ version: 1, ...SCOPE, ...STARTED, pid: 1 }), 'of the wrong type'],
    [JSON.stringify({ version: 1, ...SCOPE, ...STARTED, pid: 0 }), 'of the wrong type'],
    [JSON.stringify({ version: 1, ...SCOPE, ...STARTED, state: 'x' }), 'of the wrong type'],
    [JSON.stringify({ version: 1, ...SCOPE, ...STARTED, since: '5' }), 'of the wrong type'],
    [JSON.stringify({ version: 1, ...SCOPE, ...ENDED, problem: {} }), 'of the wrong type'],
  ])('skips the corrupt record %j and says so once', (text, why) => {
    journal().claim(CLAIMED)
    writeFileSync(onlyFile(), text)
    const later = journal()
    expect([later.readNew(), later.readNew()]).toEqual([[], []])
    expect(corrupt).toHaveLength(1)
    expect(corrupt[0]).toContain(why)
    expect(later.claim(CLAIMED)).toBe(false)
  })

  it('rejects with the directory and the remedy where it cannot write', () => {
    writeFileSync(join(stateDir, 'file'), '')
    const broken = new Journal(join(stateDir, 'file'), SCOPE, () => {})
    expect(() => broken.claim(CLAIMED)).toThrow(
      expect.objectContaining({ code: 'scaler/state', message: expect.stringMatching(/make it writable$/) }),
    )
  })

  it('names no command and no environment', () => {
    journal().claim(CLAIMED)
    expect(Object.keys(JSON.parse(readFileSync(onlyFile(), 'utf8'))).sort()).toEqual(
      ['version', 'owner', 'route', 'launch', 'state', 'since'].sort(),
    )
  })

  it('passes over what is no record', () => {
    journal().claim(CLAIMED)
    mkdirSync(join(onlyFile(), '..', 'directory'))
    writeFileSync(join(onlyFile(), '..', 'x.tmp'), 'x')
    expect(journal().readNew()).toHaveLength(1)
    expect(corrupt).toEqual([])
  })
})
