import { shownUrl } from '../../../../lib/secrets.ts';
import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';

export const TRUST_CERTIFICATE =
  'use an http URL of the program itself, or add the certificate to the trusted ones on the target.';

const NO_HEADERS: Obstacle = {
  why: 'nothing on the target can send health-headers: wget would show them in its argument list.',
  remedy: 'install curl there (for an http URL, perl or nc will do), or use health-command.',
};

export function healthObstacles({ health }: DeployInputs, found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (health.url && found.httpClient === '') {
    const noClient = {
      why: `the target has no HTTP client to request ${shownUrl(health.url)} with.`,
      remedy: 'install curl on the target, or use `health-port` or `health-command`.',
    };
    list.push(health.headers.length > 0 ? NO_HEADERS : noClient);
  }
  if (health.url && found.healthUntrusted !== undefined) {
    list.push({
      why: `the target does not trust the certificate of ${shownUrl(health.url)}: ${found.healthUntrusted}`,
      remedy: TRUST_CERTIFICATE,
    });
  }
  if (found.portHolder) {
    list.push({
      why: `port ${health.port} is held by another process (pid ${found.portHolder}), which does not run the file.`,
      remedy: 'stop that process, or correct `health-port`.',
    });
  }
  return list;
}
