/** What the stack's settings say of clusters, as ingest has it beside its code: of those of which it has to know something. */
import * as v from 'valibot';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';

const KnownClusterSchema = v.object({
  /** As its forwarder says it (the chart's `cluster.name`). */
  name: v.pipe(v.string(), v.nonEmpty()),
  /** An alarm goes off where it is silent: what it sends is told by its name. */
  expected: v.optional(v.boolean()),
});

export type KnownCluster = v.InferOutput<typeof KnownClusterSchema>;

/** @throws UserError that names the file */
export function readKnownClusters(text: string, file: string): KnownCluster[] {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is no JSON`);
  }
  const parsed = parseWith(v.array(KnownClusterSchema), input);
  if (!parsed.ok) throw new UserError(`${file}: ${parsed.reason}`);
  return parsed.value;
}
