/** Who may send, and how much: what the stack's settings say of it, as ingest has it beside its code. */
import * as v from 'valibot';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import { readPublicKey } from '../../shared/sign-batches.ts';
import { defaultClusterRate } from './thresholds.ts';

const Text = v.pipe(v.string(), v.nonEmpty());

const KnownClusterSchema = v.object({
  /** As its forwarder says it (the chart's `cluster.name`). */
  name: Text,
  /** An alarm goes off where it is silent: what it sends is told by its name. */
  expected: v.optional(v.boolean()),
  /** Of its namespace kube-system; where it signs. */
  uid: v.optional(Text),
  /** Any of them may have signed what says that it is of this cluster; DER in base64. */
  publicKeys: v.optional(
    v.array(
      v.pipe(
        Text,
        v.check((text) => readPublicKey(text) !== undefined, 'should be an Ed25519 public key'),
      ),
    ),
  ),
});

const Positive = v.pipe(v.number(), v.minValue(1));

const AdmissionSchema = v.object({
  /** Those of which something has to be known. */
  clusters: v.array(KnownClusterSchema),
  /** Whether nothing is taken of clusters that do not sign. */
  requireSignatures: v.boolean(),
  /** Observations of each cluster, by when the stream took them. */
  clusterRate: v.object({ perSecond: Positive, burst: Positive }),
});

export type Admission = v.InferOutput<typeof AdmissionSchema>;

export const openAdmission: Admission = {
  clusters: [],
  requireSignatures: false,
  clusterRate: defaultClusterRate,
};

/** @throws UserError that names the file */
export function readAdmission(text: string, file: string): Admission {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is no JSON`);
  }
  const parsed = parseWith(AdmissionSchema, input);
  if (!parsed.ok) throw new UserError(`${file}: ${parsed.reason}`);
  return parsed.value;
}
