/**
 * Whether a batch is of the cluster that it says. Whoever may put records on the stream may write any name and UID into them: a cluster
 * that has a key is only who signs with it.
 */
import type { Sender } from '../../shared/batch-codec.ts';
import { isSignedBy, readPublicKey } from '../../shared/sign-batches.ts';
import type { Admission } from './read-admission.ts';

/** Why it is not; undefined: it is, or nobody has said how to tell. */
export type DoubtSender = (sender: Sender) => string | undefined;

export function createDoubt({
  clusters,
  requireSignatures,
}: Pick<Admission, 'clusters' | 'requireSignatures'>): DoubtSender {
  const signing = clusters
    .filter(({ publicKeys = [] }) => publicKeys.length > 0)
    .map(({ name, uid, publicKeys }) => ({
      name,
      uid,
      keys: publicKeys!.map(readPublicKey).filter((key) => key !== undefined),
    }));
  return ({ cluster, signature, signed }) => {
    // By either: activities go by the UID, people by the name.
    const [claimed, other] = signing.filter(
      ({ name, uid }) => name === cluster.name || (uid !== undefined && uid === cluster.uid),
    );
    if (claimed === undefined)
      return requireSignatures ? 'it is of a cluster without a key, and the stack takes no other' : undefined;
    const says = `it says that it is of the cluster ${claimed.name}`;
    if (other !== undefined || claimed.name !== cluster.name || claimed.uid !== cluster.uid)
      return `${says}, and has the name or the UID of another one`;
    if (signature === undefined) return `${says}, and is not signed`;
    const text = signed();
    return claimed.keys.some((key) => isSignedBy(key, text, signature))
      ? undefined
      : `${says}, and is not signed with a key of that one`;
  };
}
