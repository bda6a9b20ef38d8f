import { unitName } from '../../../lib/service/unit.ts';
import type { LineProblem } from '../../../lib/yaml/read-yaml.ts';
import type { Part } from './part.ts';
import type { OwnPart } from './schemas.ts';

/** A part as it was read on its own, with the names that it needs. */
export interface ReadPart {
  line: number;
  own: OwnPart;
  needs: string[];
  needsLine: number;
}

/** Names each part and finds what it needs. What does not exist is reported apart, because it may be a part that could not be read. */
export function relateParts(read: readonly ReadPart[]): {
  parts: Part[];
  clashes: LineProblem[];
  unmet: LineProblem[];
} {
  const names = namesOf(read);
  const unmet: LineProblem[] = [];
  const parts = read.map(({ line, own, needs, needsLine }, at): Part => {
    const found = needs.map((wanted) => read.findIndex((other, index) => isNamed(other, names[index], wanted)));
    for (const [position, index] of found.entries()) {
      const message = needsProblem({ wanted: needs[position] ?? '', index, at, names });
      if (message) unmet.push({ line: needsLine, message: `\`needs\`: ${message}` });
    }
    return { ...own, line, name: names[at] ?? '', needs: [...new Set(found)].sort((a, b) => a - b) };
  });
  return { parts, clashes: [...overlaps(read), ...sharedUnits(read)], unmet };
}

/** Where a part is put, or the unit that it restarts. */
export function placeOf(own: OwnPart): string {
  if (own.kind === 'restart') return wholeUnit(own.service);
  return own.kind === 'binary' ? own.program.destination : own.destination;
}

function namesOf(read: readonly ReadPart[]): string[] {
  const places = read.map(({ own }) => placeOf(own));
  const short = places.map((place) => place.split('/').at(-1) ?? place);
  return places.map((place, at) => (short.filter((name) => name === short[at]).length > 1 ? place : (short[at] ?? '')));
}

function isNamed({ own }: ReadPart, name: string | undefined, wanted: string): boolean {
  return wanted === name || wanted === placeOf(own) || (own.kind === 'restart' && wanted === own.service);
}

function needsProblem(found: { wanted: string; index: number; at: number; names: string[] }): string | undefined {
  const { wanted, index, at, names } = found;
  if (index >= 0 && index < at) return undefined;
  if (index === at) return "a part can't need itself";
  if (index > at) return `'${wanted}' stands later; move it before this part`;
  const earlier = names.slice(0, at);
  return `no part is named '${wanted}'${earlier.length > 0 ? `; earlier parts are ${earlier.join(', ')}` : ''}`;
}

/** Two parts at one place, or one inside of a folder that is replaced as a whole. */
function overlaps(read: readonly ReadPart[]): LineProblem[] {
  return read.flatMap(({ line, own }, at) => {
    if (own.kind === 'restart') return [];
    const place = placeOf(own);
    for (const other of read.slice(0, at)) {
      if (other.own.kind === 'restart') continue;
      const before = placeOf(other.own);
      if (before === place)
        return [{ line, message: `\`to\`: the part on line ${other.line} has the same destination` }];
      const [outer, inner] = before.length < place.length ? [other.own, place] : [own, before];
      if (outer.kind === 'folder' && inner.startsWith(`${placeOf(outer)}/`)) {
        const which = outer === own ? 'contains' : 'lies inside of';
        return [{ line, message: `\`to\`: it ${which} the destination of the part on line ${other.line}` }];
      }
    }
    return [];
  });
}

/** Each of two parts would stop and start the unit, one against the other. */
function sharedUnits(read: readonly ReadPart[]): LineProblem[] {
  const lineOf = new Map<string, number>();
  return read.flatMap(({ line, own }) => {
    const written = own.kind === 'restart' ? own.service : own.kind === 'binary' ? own.program.service : undefined;
    if (written === undefined) return [];
    const unit = wholeUnit(written);
    const first = lineOf.get(unit);
    if (first === undefined) lineOf.set(unit, line);
    return first === undefined ? [] : [{ line, message: `${unit} is restarted by the part on line ${first} already` }];
  });
}

function wholeUnit(written: string): string {
  const user = written.startsWith('user:') ? 'user:' : '';
  return `${user}${unitName(written.slice(user.length))}`;
}
