import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launchObject } from './launch-object.ts'
import { labelOf } from './names.ts'
import type { PodTemplate } from './objects.ts'
import { parseTemplate, readTemplate } from './template.ts'

const PLACE = { path: 'template', container: undefined, namespace: undefined }
const JOB = `
apiVersion: batch/v1
kind: Job
metadata:
  generateName: shop-
  labels: { team: shop }
spec:
  template:
    metadata: { labels: { team: shop } }
    spec:
      containers:
        - name: app
          image: shop:1
          env: [{ name: BRXY_EDGE, value: none }, { name: MINE, value: "$(BRXY_LAUNCH)" }]
        - { name: side, image: side:1 }
      volumes: [{ name: keys, secret: { secretName: keys, defaultMode: 0400 } }]
`
const POD = 'apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: app, image: shop:1 }] }\n'
const BELONGING = { owner: 'me', route: '*.shop.test' }
const LAUNCH = { id: 'a1', env: { BRXY_LAUNCH: 'a1', BRXY_EDGE: 'ws://edge', ODD: '$HOME $(x) $$' } }

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brxy-template-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('the Job of a launch', () => {
  // biome-ignore lint/suspicious/noExplicitAny: it is looked at as the API gets it.
  const made: any = launchObject(parseTemplate(JOB, PLACE), BELONGING, LAUNCH)
  const pod = made.spec.template

  it('runs once, is kept a minute for its reason, and its pods have 45 s to drain', () => {
    expect(made.spec).toMatchObject({ backoffLimit: 0, ttlSecondsAfterFinished: 60 })
    expect(pod.spec).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 45 })
  })

  it('is named after the launch, and marked like its pods beside what the template says', () => {
    expect(made.metadata.name).toBe('brxy-a1')
    expect(made.metadata.generateName).toBeUndefined()
    for (const { labels, annotations } of [made.metadata, pod.metadata]) {
      expect(labels).toMatchObject({
        team: 'shop',
        'brxy/launch': 'a1',
        'brxy/route': labelOf('*.shop.test'),
      })
      expect(annotations).toMatchObject({ 'brxy/route': '*.shop.test', 'brxy/launch': 'a1' })
    }
  })

  it('has the environment of the launch in its first container, before what the template says, and unexpanded', () => {
    const [app, side] = pod.spec.containers
    expect(app.env).toEqual([
      { name: 'BRXY_LAUNCH', value: 'a1' },
      { name: 'BRXY_EDGE', value: 'ws://edge' },
      { name: 'ODD', value: '$$HOME $$(x) $$$$' },
      { name: 'MINE', value: '$(BRXY_LAUNCH)' },
    ])
    expect(side.env).toBeUndefined()
  })

  it('keeps the end of what a container wrote, for the reason of a crash', () => {
    expect(pod.spec.containers[0].terminationMessagePolicy).toBe('FallbackToLogsOnError')
  })

  it('is read as kubectl reads it: YAML 1.1, where 0400 is octal', () => {
    expect(pod.spec.volumes[0].secret.defaultMode).toBe(0o400)
  })
})

it('puts the environment into the container that is named', () => {
  const template = parseTemplate(JOB, { ...PLACE, container: 'side' })
  // biome-ignore lint/suspicious/noExplicitAny: it is looked at as the API gets it.
  const made: any = launchObject(template, BELONGING, LAUNCH)
  expect(made.spec.template.spec.containers[1].env).toHaveLength(3)
})

it('makes a pod of a Pod', () => {
  const made = launchObject(parseTemplate(POD, PLACE), BELONGING, LAUNCH) as PodTemplate
  expect(made.metadata).toMatchObject({ name: 'brxy-a1', labels: { 'brxy/launch': 'a1' } })
  expect(made.spec).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 45 })
})

it('changes nothing in the template', () => {
  const template = parseTemplate(JOB, PLACE)
  const before = JSON.stringify(template)
  launchObject(template, BELONGING, LAUNCH)
  expect(JSON.stringify(template)).toBe(before)
})

it('takes a template from a file, and says which one cannot be read', () => {
  writeFileSync(join(directory, 'shop.yaml'), POD)
  expect(readTemplate('shop.yaml', directory, PLACE).kind).toBe('Pod')
  const missing = join(directory, 'none.yaml')
  expect(() => readTemplate('none.yaml', directory, PLACE)).toThrow(
    `template: cannot read the template "${missing}": there is no such file`,
  )
})

it.each([
  ['kind: Deployment\n', 'a template is a Job or a Pod'],
  ['{ kind: Job, apiVersion: v1 }', '"apiVersion" of a Job is batch/v1, not "v1"'],
  [`${POD}---\n${POD}`, 'has 2 documents; a template is one Job or Pod'],
  ['a: [\n', 'is no YAML'],
  ['{ kind: Pod, apiVersion: v1 }', 'spec is missing'],
  ['{ kind: Pod, apiVersion: v1, spec: {} }', 'spec.containers is missing'],
  [POD.replace('{ con', '{ restartPolicy: Always, con'), 'spec.restartPolicy is "Always"; leave it out'],
  [
    POD.replace('{ con', '{ terminationGracePeriodSeconds: 30, con'),
    'is 30; leave it out, or say at least 45',
  ],
  [JOB.replace('spec:\n', 'spec:\n  backoffLimit: 6\n'), 'spec.backoffLimit is 6; leave it out'],
  [JOB.replace('spec:\n', 'spec:\n  parallelism: 2\n'), 'spec.parallelism is 2; leave it out'],
  [JOB.replace('labels:', 'namespace: other\n  labels:'), 'metadata.namespace is "other"'],
])('refuses %j', (text, message) => {
  expect(() => parseTemplate(text, PLACE)).toThrow(message)
})

it('refuses a container that is not there, and says which are', () => {
  expect(() => parseTemplate(JOB, { ...PLACE, container: 'shop' })).toThrow(
    'it has no container "shop", only "app", "side"',
  )
})
