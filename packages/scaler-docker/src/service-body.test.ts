import { describe, expect, it } from 'vitest'
import { serviceBody } from './service-body.ts'
import { Place } from './shape.ts'

const body = (given: object) => serviceBody(given as never, new Place('task'))

describe('the body of a service', () => {
  it('is what the user wrote, with one replica that is never restarted', () => {
    const given = {
      Labels: { team: 'a' },
      TaskTemplate: {
        ContainerSpec: { Image: 'shop:3', Env: ['A={{.Node.Hostname}}', 'ROUTE=mine'] },
        Networks: [{ Target: 'web' }],
        Resources: { Limits: { MemoryBytes: 1e8 } },
      },
      EndpointSpec: { Mode: 'dnsrr' },
    }
    const own = { 'brxy.owner': 'me' }
    expect(body(given).of('brxy-l1', own, { ROUTE: 'shop' })).toEqual({
      Name: 'brxy-l1',
      Labels: { team: 'a', ...own },
      Mode: { Replicated: { Replicas: 1 } },
      EndpointSpec: { Mode: 'dnsrr' },
      TaskTemplate: {
        ...given.TaskTemplate,
        RestartPolicy: { Condition: 'none' },
        ContainerSpec: {
          Image: 'shop:3',
          Init: true,
          StopSignal: 'SIGTERM',
          StopGracePeriod: 45e9,
          Env: ['A={{.Node.Hostname}}', 'ROUTE=shop'],
          Labels: own,
        },
      },
    })
  })

  it("has no template where a launch's environment only looks like one", () => {
    const made = body({ TaskTemplate: { ContainerSpec: { Image: 'x' } } }).of('n', {}, { A: 'a {{.b}} {{{' })
    expect(made).toMatchObject({ TaskTemplate: { ContainerSpec: { Env: ['A=a {{"{{"}}.b}} {{"{{"}}{'] } } })
  })

  const spec = (container: object, template: object = {}) => ({
    TaskTemplate: { ContainerSpec: { Image: 'x', ...container }, ...template },
  })
  it.each([
    [{}, 'task.TaskTemplate.ContainerSpec.Image', 'is required'],
    [{ ...spec({}), Name: 'mine' }, 'task.Name', 'each launch has its own'],
    [{ ...spec({}), Mode: { Global: {} } }, 'task.Mode', 'each launch has one replica'],
    [
      spec({}, { RestartPolicy: { Condition: 'any' } }),
      'task.TaskTemplate.RestartPolicy.Condition',
      '"any" must be "none"',
    ],
    [spec({ StopGracePeriod: 45 }), 'task.TaskTemplate.ContainerSpec.StopGracePeriod', 'must be nanoseconds'],
  ])('refuses %o by its path', (given, path, detail) => {
    expect(() => body(given)).toThrow(
      expect.objectContaining({ path, detail: expect.stringContaining(detail) }),
    )
  })
})
