import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
const table: Record<string, string | number>[] = [];
beforeAll(async () => {
  host = await unitHost();
});
afterEach(() => host.system.sh('touch /opt/app/enough'));
afterAll(async () => {
  console.table(table);
  await host[Symbol.asyncDispose]();
});

const ROUNDS = Number(process.env.DOWNTIME_ROUNDS ?? 1);

/** Asks every 2 ms, by the shell alone; at the end says the longest time without an answer, in microseconds. */
const WATCH = `cat >/opt/app/watch <<'END'
trap '' PIPE
last=0 longest=0
coproc pause { sleep 600; }
while [ ! -e /opt/app/enough ]; do
  if { exec 5<>/dev/tcp/127.0.0.1/${PORT}; } 2>/dev/null; then
    if { printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&5; } 2>/dev/null && read -r -t 10 line <&5; then
      now=\${EPOCHREALTIME/./}
      [ "$last" = 0 ] || [ $((now - last)) -le "$longest" ] || longest=$((now - last))
      last=$now
    fi
    exec 5>&-
  fi
  read -r -t 0.002 -u "\${pause[0]}"
done
kill "$pause_PID"
echo "$longest" >/opt/app/watched
END
rm -f /opt/app/enough /opt/app/watched; setsid bash /opt/app/watch </dev/null >/dev/null 2>&1 & sleep 0.3`;

/** For how many milliseconds nothing answered while `act` went on. */
async function downtimeOf(act: () => Promise<unknown>): Promise<number> {
  await host.system.sh(WATCH);
  await act();
  const longest = await host.system.sh(
    'sleep 0.3; touch /opt/app/enough; for i in $(seq 150); do [ -s /opt/app/watched ] && break; sleep 0.1; done; cat /opt/app/watched',
  );
  return Math.round(Number(longest) / 1000);
}

// Not asserted: another machine has other times. `npm run bench` holds the same of a program that was started by hand.
test.each([
  ['plain', { 'app.service': service() }, 'systemctl stop app; mv /opt/app/next $file; systemctl start app'],
  [
    'Type=notify',
    { 'app.service': service('Type=notify') },
    'systemctl stop app; mv /opt/app/next $file; systemctl start app',
  ],
  [
    'socket',
    { 'app.socket': `[Socket]\nListenStream=127.0.0.1:${PORT}\n`, 'app.service': service() },
    'mv /opt/app/next $file; systemctl restart app',
  ],
])('the downtime of a deploy is shown beside that of systemctl by hand: %s', async (kind, units, words) => {
  const byHand: number[] = [];
  const deployed: number[] = [];
  const world = async () => {
    await host.world(units);
    await host.systemctl(`start ${Object.keys(units).join(' ')}`);
    await answers(host);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await world();
    await host.system.push(program('v2'), '/opt/app/next');
    byHand.push(await downtimeOf(() => host.system.sh(`chown app:app /opt/app/next; file=${FILE}; ${words}`)));
    expect(await host.version()).toBe('v2');

    await world();
    const act = async () => {
      const step = await host.deploy(program('v2'));
      expect(step.outputs.state, step.log).toBe('active');
    };
    deployed.push(await downtimeOf(act));
    expect(await host.version()).toBe('v2');
  }
  const [hand, deploy] = [Math.min(...byHand), Math.min(...deployed)];
  table.push({ unit: kind, 'by hand, ms': hand, 'deploy, ms': deploy, more: deploy - hand });
});
