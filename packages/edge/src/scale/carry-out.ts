import type { App } from '../app.ts'
import type { EdgeEvent } from '../event.ts'
import type { ScaleAction } from './scale-action.ts'

/** Carries out what the controller of an app has decided. */
export function carryOut(
  action: ScaleAction,
  app: App,
  emit: (event: EdgeEvent) => void,
  nowMs: number,
): void {
  switch (action.kind) {
    case 'scale':
      app.runner?.scale(app)
      return
    case 'launching': {
      const { copy, launch, replaces } = action
      emit({ type: 'launching', app: app.route, copy, launch, held: app.held.count, replaces })
      return
    }
    case 'launch-failed': {
      const { launch, problem, retryMs } = action
      const copy = app.controller.member(launch)?.copy
      const output = app.instanceOf(launch)?.output || app.runner?.output(app, launch) || ''
      emit({
        type: 'launch-failed',
        app: app.route,
        instance: copy === undefined ? app.route : `${app.route}/${copy}`,
        launch,
        problem,
        retryMs,
        ...(output === '' ? {} : { output }),
      })
      return
    }
    case 'launch-slow': {
      const { launch, tookMs } = action
      const copy = app.controller.member(launch)?.copy
      emit({ type: 'launch-slow', app: app.route, instance: `${app.route}/${copy}`, launch, tookMs })
      return
    }
    case 'fail-held':
      app.held.failDemand(action.problem, action.retryMs)
      return
    case 'verdict': {
      const instance = app.instanceOf(action.member)
      if (instance === undefined) return
      // One that asked for a successor serves until it is told to go; one that asked to leave does not.
      const asksToLeave = action.on === 'leave'
      if (action.go) instance.phase = 'leaving'
      else if (asksToLeave) instance.phase = 'ready'
      if (action.go || asksToLeave) app.eligibilityChanged(instance, nowMs)
      instance.session.verdict(action.go)
      return
    }
    case 'recall': {
      const instance = app.instanceOf(action.member)
      if (instance === undefined) return
      instance.session.recall()
      instance.phase = 'starting'
      app.eligibilityChanged(instance, nowMs)
      emit({ type: 'recalled', app: app.route, instance: instance.label, held: app.held.count })
      return
    }
  }
}
