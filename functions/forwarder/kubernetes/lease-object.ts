/** The Lease as an object: who holds it and for how long, and what each of its changes writes. */
import type { Json } from './api-server.ts';
import { type Handover, writeHandover } from './handover-annotations.ts';

export interface LeaseIdentity {
  name: string;
  namespace: string;
  /** Of this process, and of no other at the same time. */
  identity: string;
  /** Milliseconds for which others hold still after the holder's last sign of life; whole seconds. */
  leaseDuration: number;
}

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

const specOf = (lease: Json) => (lease.spec ?? {}) as LeaseSpec;

/** Kubernetes' MicroTime. */
const microTime = (now: number) => new Date(now).toISOString().replace('Z', '000Z');

export const holderOf = (lease: Json): string => specOf(lease).holderIdentity ?? '';

/** What a Lease said when this process first saw it say so, and when (elapsed milliseconds) that was. */
export interface Observed {
  record: string;
  at: number;
}

/** The holder's clock says nothing: what counts is for how long this process has seen the Lease unchanged. */
export function observeLease(before: Observed | undefined, lease: Json, at: number): Observed {
  const record = JSON.stringify(specOf(lease));
  return before?.record === record ? before : { record, at };
}

/** @returns `left`: milliseconds for which the others still hold still */
export function heldByAnother(
  lease: Json,
  { at }: Observed,
  { identity, leaseDuration }: LeaseIdentity,
  now: number,
): { holder: string; left: number } | { holder: undefined; left: 0 } {
  const holder = holderOf(lease);
  if (holder === '' || holder === identity) return { holder: undefined, left: 0 };
  // As long as the holder said, whatever we would have.
  const duration = (specOf(lease).leaseDurationSeconds ?? leaseDuration / 1000) * 1000;
  return { holder, left: at + duration - now };
}

export const newLease = ({ name, namespace, identity, leaseDuration }: LeaseIdentity, now: number): Json => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
  spec: {
    holderIdentity: identity,
    leaseDurationSeconds: leaseDuration / 1000,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: 0,
  } satisfies LeaseSpec,
});

export function takenLease(lease: Json, { identity, leaseDuration }: LeaseIdentity, now: number): Json {
  const { holderIdentity, leaseTransitions, acquireTime } = specOf(lease);
  const ours = holderIdentity === identity;
  const spec: LeaseSpec = {
    holderIdentity: identity,
    leaseDurationSeconds: leaseDuration / 1000,
    acquireTime: ours && acquireTime !== undefined ? acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (leaseTransitions ?? 0) + (ours ? 0 : 1),
  };
  return { ...lease, spec };
}

export const renewedLease = (
  lease: Json,
  { leaseDuration }: LeaseIdentity,
  now: number,
  saved: Handover | undefined,
): Json => ({
  ...writeHandover(lease, saved),
  spec: { ...specOf(lease), leaseDurationSeconds: leaseDuration / 1000, renewTime: microTime(now) },
});

/** Held by nobody. The duration of a second is client-go's: a Lease must have one. */
export const releasedLease = (
  lease: Json,
  settings: LeaseIdentity,
  now: number,
  saved: Handover | undefined,
): Json => {
  const renewed = renewedLease(lease, settings, now, saved);
  return { ...renewed, spec: { ...specOf(renewed), holderIdentity: '', leaseDurationSeconds: 1 } };
};
