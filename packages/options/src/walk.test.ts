import { expect, it } from 'vitest'
import { resolveConfig } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'
import { walk } from './walk.ts'

const values = resolveConfig(SAMPLE, {
  listen: [':80', ':443'],
  apps: { shop: { scaler: { shell: { a: 1 } } }, blog: { scaler: { shell: {} } } },
})

/** Paths in lists and under names. */
function pathsOf(sides: readonly unknown[], skips?: (values: readonly unknown[]) => boolean): string[] {
  const paths: string[] = []
  walk(SAMPLE, sides, ({ path }) => paths.push(path), skips)
  return paths.filter((path) => /^(listen\[|apps\.)/.test(path))
}

it('passes over what is skipped, without a look inside', () => {
  const { shop } = values.apps
  const paths = pathsOf([values], ([value]) => value === shop || value === values.listen[1])
  expect(paths).toContain('listen[0].bind')
  expect(paths).toContain('apps.blog.scaler')
  expect(paths.filter((path) => path.startsWith('listen[1]') || path.startsWith('apps.shop'))).toEqual([])
})

it('visits each place once, however many sides have it', () => {
  expect(pathsOf([values, values])).toEqual(pathsOf([values]))
  expect(new Set(pathsOf([values])).size).toBe(pathsOf([values]).length)
})
