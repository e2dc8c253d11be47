/** How an application ended by itself. */
export interface AppEnd {
  readonly code: number | null
  readonly signal: string | null
  /** What to say of it instead of the status: why it could not be started at all. */
  readonly reason?: string
}

/** What is to be done. */
export type LifeAction<E> =
  /** Tell the edges STATUS ready, and lend slots. */
  | { readonly kind: 'announce' }
  /** Lend no more, and tell the edges STATUS failed; say reported() when one has been told. */
  | { readonly kind: 'report'; readonly reason: string; readonly end: AppEnd | null }
  /** Lend no more and say LEAVE; verdicts follow. */
  | { readonly kind: 'leave' }
  /** The edge wants the instance to stay: lend again. */
  | { readonly kind: 'stay' }
  /** Say REPLACE to this edge; its verdict follows. */
  | { readonly kind: 'replace'; readonly edge: E }
  /** There will be no successor: nothing changes. */
  | { readonly kind: 'kept'; readonly reason: string }
  /** Lend no more and say DRAIN. */
  | { readonly kind: 'drain'; readonly reason: string }
  /** Stop the application; say appStopped() when it is gone. */
  | { readonly kind: 'stop'; readonly kill: boolean }
  /** The application is stopped, and the sessions stay: tell the edges STATUS parked. */
  | { readonly kind: 'park'; readonly reason: string }
  /** Start the application again, and tell the edges STATUS starting. */
  | { readonly kind: 'restart' }
  /** End the sessions and the process. */
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string }
