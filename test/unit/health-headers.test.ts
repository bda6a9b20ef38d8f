import { expect, test } from 'vitest';
import { headerSecrets, headerValues, isHeader } from '../../lib/health-headers.ts';

test.each(['Host: a', 'X-A:b', 'authorization: Bearer t0ken', 'X: é "q" \\ $(id)'])('%j is a header', (line) => {
  expect(isHeader(line)).toBe(true);
});

test.each([
  ...['', 'Host', 'Host:', 'Host: ', ': a', 'A B: c', '@file: x', 'X: a\u0000b', 'X: a\rb'],
  ...['Content-Length: 3', 'transfer-encoding: chunked', 'Connection: keep-alive', 'Expect: 100-continue'],
])('%j is not a header that can be sent', (line) => {
  expect(isHeader(line)).toBe(false);
});

test('a header replaces the usual one of its name, in the quotes of curl and as a line', () => {
  const { health_headers, health_curl } = headerValues('http://localhost:80/x', ['host: "a\\b"', 'X-T: 1']);
  expect(health_headers.split('\n')).toEqual([
    'User-Agent: health',
    'Accept: */*',
    'host: "a\\b"',
    'X-T: 1',
    'Connection: close',
  ]);
  expect(health_curl.split('\n')).toEqual(['header = "host: \\"a\\\\b\\""', 'header = "X-T: 1"']);
  expect(headerValues('http://[::1]:8080/', []).health_headers).toContain('Host: [::1]:8080\n');
});

test('a token is secret with and without its scheme, a name of a host is not', () => {
  expect(headerSecrets(['Host: app.example', 'Authorization: Bearer t0ken-of-app'])).toEqual([
    'Bearer t0ken-of-app',
    't0ken-of-app',
  ]);
});
