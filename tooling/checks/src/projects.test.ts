import { expect, it } from 'vitest'
import config from '../../../vitest.config.ts'

it('a test file that declares no test fails, in every project', () => {
  const projects = config.test?.projects as { test: { name: string; passWithNoTests?: boolean } }[]
  expect(projects.map(({ test }) => test.name)).toContain('engines')
  expect(projects.filter(({ test }) => test.passWithNoTests === true)).toEqual([])
})
