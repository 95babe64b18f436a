import { describe, expect, it } from 'vitest';
import { checkTraceUrl, fillTraceUrl } from '../../shared/trace-url.ts';

describe('a template of the address of a trace', () => {
  it('says where its id stands, and may say more', () => {
    const template = 'https://tempo.example/t/{traceId}?span={spanId}&from={start}&to={end}&org=1';
    expect(checkTraceUrl(template)).toBeUndefined();
    expect(fillTraceUrl(template, { traceId: 'a1', spanId: 'b2', start: 1, end: 2 })).toBe(
      'https://tempo.example/t/a1?span=b2&from=1&to=2&org=1',
    );
  });
  it('keeps what nobody knows', () =>
    expect(fillTraceUrl('https://x/{traceId}/{spanId}/{other}', { traceId: 'a1' })).toBe(
      'https://x/a1/{spanId}/{other}',
    ));
  it.each([
    ['https://tempo.example/', 'has no {traceId} in it'],
    ['javascript:alert("{traceId}")', 'is no address'],
    ['{traceId}', 'is no address'],
    ['https:// {traceId}', 'is no address'],
    ['ftp://tempo.example/{traceId}', 'is no address'],
    ['', 'is no address'],
  ])('%s: is none', (template, reason) => expect(checkTraceUrl(template)).toContain(reason));
});
