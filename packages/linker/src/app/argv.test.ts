import { expect, test } from 'vitest'
import { withPort } from './argv.ts'

test('replaces {port} everywhere, more than once in an argument and in the command itself', () => {
  const argv = ['./serve-{port}', '-m', 'http.server', '{port}', '--url=http://[::1]:{port}/{port}']
  expect(withPort(argv, 20_123)).toEqual([
    './serve-20123',
    '-m',
    'http.server',
    '20123',
    '--url=http://[::1]:20123/20123',
  ])
  expect(argv[3]).toBe('{port}')
})

test('leaves everything else as the operator wrote it', () => {
  const argv = ['sh', '-c', 'echo $PORT {Port} { port } $&', '', '1.10']
  expect(withPort(argv, 20_123)).toEqual(['sh', '-c', 'echo $PORT {Port} { port } $&', '', '1.10'])
})

test.each([{ argv: [] }, { argv: [''] }])('refuses a command line without a command: $argv', ({ argv }) => {
  expect(() => withPort(argv, 20_000)).toThrow(
    expect.objectContaining({
      code: 'link/app-argv-empty',
      exitStatus: 2,
      message: expect.stringContaining('--to'),
    }),
  )
})
