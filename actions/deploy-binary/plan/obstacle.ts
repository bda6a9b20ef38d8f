/** A reason not to begin, and the one thing to do about it. */
export interface Obstacle {
  why: string;
  remedy: string;
}
