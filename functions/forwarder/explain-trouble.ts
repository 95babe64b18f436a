/** Why the stream takes nothing, and what mends it: for the log, `/readyz`, the Event on the Pod and `rootspan doctor`. */

/** Why records are put again; few, for they name figures. */
export type PutTrouble =
  | 'throttled'
  | 'server'
  | 'network'
  | 'credentials'
  | 'denied'
  | 'key'
  | 'no-stream'
  | 'invalid'
  | 'other';

interface Explanation {
  text: string;
  /** Until somebody changes something: asked again less often. */
  lasts: boolean;
}

/** Values are the chart's, settings the stack's (`cdk.json`). */
const explanations: Readonly<Record<PutTrouble, Explanation>> = {
  throttled: {
    lasts: false,
    text: "the stream takes less than comes: give it more shards (the stack's setting stream)",
  },
  server: { lasts: false, text: 'Kinesis answers with errors of its own: it has to come back' },
  network: {
    lasts: false,
    text: 'Kinesis cannot be reached: look at stream.region, networkPolicy.egressPorts, DNS and proxies',
  },
  credentials: {
    lasts: true,
    text: 'AWS gives no credentials, or does not take them: stream.roleArn has to be the role of this cluster (output HelmValues), and namespace and serviceAccount.name those that it trusts; with EKS Pod Identity its association is needed',
  },
  denied: {
    lasts: true,
    text: "the role may not put: it needs kinesis:PutRecords on the stream's ARN, which the role in the output HelmValues (stream.roleArn) has",
  },
  key: {
    lasts: true,
    text: 'the key that encrypts the stream cannot be used: it has to be enabled, and the role needs kms:GenerateDataKey on it',
  },
  'no-stream': {
    lasts: true,
    text: 'there is no such stream: stream.name and stream.region have to be those of the output HelmValues',
  },
  invalid: {
    lasts: true,
    text: 'Kinesis finds the call itself wrong: stream.name has to be the one of the output HelmValues, and nothing in between may change what is sent',
  },
  other: { lasts: true, text: 'the log has what Kinesis answers' },
};

export const explainTrouble = (reason: PutTrouble): string => explanations[reason].text;

export const lasts = (reason: PutTrouble): boolean => explanations[reason].lasts;

export const isPutTrouble = (text: string): text is PutTrouble => Object.hasOwn(explanations, text);
