import type { StartedStep } from '../../support/action.ts';
import type { Case } from '../cases.ts';
import type { FaultyHost } from '../host.ts';

/** What an injector works on. */
export interface Scene {
  c: Case;
  host: FaultyHost;
  /** The deploy under test. */
  step: StartedStep;
  /** Takes note of another deploy of the same destination, which is judged too. */
  rival(step: StartedStep): void;
  /** Done once every step has ended, before anybody looks: what ends the fault itself. */
  after(end: () => unknown): void;
  /** The fault went on after the deploy had proved what it reports, so that this may not be so any more. */
  spoil(): void;
  /** Something that the fault itself found wrong. */
  problem(text: string): void;
}

/** Strikes; the moment has come. */
export type Inject = (scene: Scene) => unknown;
