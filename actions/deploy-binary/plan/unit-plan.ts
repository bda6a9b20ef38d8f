import type { FoundUnit } from '../inspect/unit-found.ts';
import type { Obstacle } from './obstacle.ts';

/** What is done with the units that run the file, and what must be as before afterwards. */
export interface UnitPlan {
  /** The unit whose process answers the health check, empty when no unit manages the program. */
  unit: string;
  user: string;
  because: string;
  /** Stopped before the file is replaced and started afterwards, the named or first one first. */
  units: FoundUnit[];
  /** Restarted after the file is replaced, because something may start them at any moment: a socket, a timer, a path. */
  restarted: FoundUnit[];
  /** Left alone: a job or an instance per connection. The next start executes the new file. */
  left: FoundUnit[];
  /** Active units that systemd stops with them; started again. */
  dependents: FoundUnit[];
  triggers: FoundUnit[];
  /** Active or stopped units that systemd would start with them. */
  wanted: FoundUnit[];
  notes: string[];
  obstacles: Obstacle[];
}
