import { describe, expect, it } from 'vitest';
import { createEventFilter, type EventFilters } from '../../../functions/forwarder/filter-events.ts';

const all = { include: [], exclude: [] };

const filteredBy = (filters: Partial<EventFilters>, over: object = {}) =>
  createEventFilter({ namespaces: all, kinds: all, reasons: all, types: all, ...filters })({
    uid: 'e1',
    name: 'e1',
    namespace: 'default',
    count: 1,
    reason: 'Pulled',
    message: '',
    type: 'Normal',
    subject: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
    reporter: {},
    ...over,
  });

describe('an Event', () => {
  it('passes where nothing is said', () => {
    expect(filteredBy({})).toBeUndefined();
  });

  it.each([
    ['included by name', { namespaces: { include: ['shop'], exclude: [] } }, undefined],
    ['not included', { namespaces: { include: ['sho', 'hop', 'shops'], exclude: [] } }, 'namespace'],
    ['included by a pattern', { namespaces: { include: ['s*p'], exclude: [] } }, undefined],
    ['excluded by a pattern', { reasons: { include: [], exclude: ['Pull*'] } }, 'reason'],
    ['excluded though included', { kinds: { include: ['*'], exclude: ['Pod'] } }, 'kind'],
    ['of a type that is not wanted', { types: { include: ['Warning'], exclude: [] } }, 'type'],
    [
      'like a regular expression, which it is not',
      { reasons: { include: ['P.lled'], exclude: [] } },
      'reason',
    ],
  ] as const)('%s', (_, filters, by) => {
    expect(filteredBy(filters as unknown as Partial<EventFilters>)).toBe(by);
  });

  it('of a cluster-wide object is in no namespace, though it is kept in default', () => {
    const node = { subject: { kind: 'Node', name: 'n1' } };
    expect(filteredBy({ namespaces: { include: ['default'], exclude: [] } }, node)).toBe('namespace');
    expect(filteredBy({ namespaces: { include: [], exclude: ['default'] } }, node)).toBeUndefined();
    expect(filteredBy({ namespaces: { include: ['*'], exclude: [] } }, node)).toBeUndefined();
  });
});
