import { describe, expect, it } from 'vitest'
import { answerControl, type ControlTarget } from './control-request.ts'

/** One that has so many slots. */
function target(slots = 2): ControlTarget & { slots: number } {
  return {
    slots,
    get slotState() {
      return { slots: this.slots, lent: 1, busy: 1, lingering: 0 }
    },
    setSlots(count) {
      this.slots = count
    },
  }
}

describe('GET /slots', () => {
  it('shows the slots', () => {
    expect(answerControl('GET', '/slots', '', target())).toEqual({
      status: 200,
      fields: { 'content-type': 'application/json' },
      body: '{"slots":2,"lent":1,"busy":1,"lingering":0}\n',
    })
  })
})

describe('PUT /slots', () => {
  it.each([
    ['4', 4],
    ['4\n', 4],
    ['0', 0],
    ['65535', 65_535],
    ['{"slots": 4}', 4],
    ['{"slots":0,"why":"busy"}', 0],
  ])('takes %j', (body, slots) => {
    const one = target()
    const answer = answerControl('PUT', '/slots', body, one)
    expect([answer.status, answer.body, one.slots]).toEqual([200, `{"slots":${slots}}\n`, slots])
  })

  it.each([
    '',
    'x',
    '-1',
    '1.5',
    '65536',
    '"4"',
    'null',
    '[4]',
    '{}',
    '{"slots":"4"}',
    '{"slots":-1}',
    '{"slots":4',
  ])('refuses %j, and says what was expected', (body) => {
    const one = target()
    const answer = answerControl('PUT', '/slots', body, one)
    expect([answer.status, answer.fields, one.slots]).toEqual([
      400,
      { 'content-type': 'application/problem+json' },
      2,
    ])
    expect(JSON.parse(answer.body)).toEqual({
      status: 400,
      title: 'Bad Request',
      detail: `${JSON.stringify(body)}: expected a whole number from 0 to 65535, as 4 or {"slots": 4}`,
    })
  })

  it('refuses what is too long', () => {
    expect(answerControl('PUT', '/slots', null, target()).status).toBe(413)
  })
})

it('has nothing else', () => {
  for (const path of ['/', '/slots/', '/slots?x', '/metrics']) {
    const { status, body } = answerControl('GET', path, '', target())
    expect([status, JSON.parse(body).detail]).toEqual([404, `there is nothing at ${path}; there is /slots`])
  }
  for (const method of ['POST', 'DELETE', 'HEAD', 'PATCH']) {
    const { status, fields } = answerControl(method, '/slots', '4', target())
    expect([status, fields.allow]).toEqual([405, 'GET, PUT'])
  }
})
