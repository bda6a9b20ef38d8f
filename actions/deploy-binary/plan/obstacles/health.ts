import { shownUrl } from '../../../../lib/secrets.ts';
import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';

export function healthObstacles({ health }: DeployInputs, found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (health.url && found.httpClient === '') {
    list.push({
      why: `the target has no HTTP client to request ${shownUrl(health.url)} with.`,
      remedy: 'install curl on the target, or use `health-port` or `health-command`.',
    });
  }
  if (health.url && found.healthUntrusted !== undefined) {
    list.push({
      why: `the target does not trust the certificate of ${health.url}: ${found.healthUntrusted}`,
      remedy: 'use an http URL of the program itself, or add the certificate to the trusted ones on the target.',
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
