/**
 * The commands, what each takes and what it is for: the one table that reads the command line, helps, and completes it in a
 * shell.
 */
import { recordOutcomes } from '../../shared/change-record.ts';
import { checkTraceUrl } from '../../shared/trace-url.ts';

export interface CommandOption {
  type: 'string' | 'boolean';
  multiple?: true;
  /** One letter. */
  short?: string;
  /** What a value is: `FILE`, `N`. */
  takes?: string;
  choices?: readonly string[];
  /** What prints its values, one a line, in a shell: for completion, where it is installed. */
  listedBy?: string;
  /** What is wrong with a value; undefined: nothing. */
  check?: (value: string) => string | undefined;
  does: string;
}

export interface Command {
  /** Its arguments, as a usage line has them. */
  takes: string;
  /** Files are completed. */
  takesFiles?: true;
  /** A line of the list of commands. */
  does: string;
  /** Paragraphs of its own help. */
  more?: string;
  options: Readonly<Record<string, CommandOption>>;
  examples: readonly (readonly [call: string, what: string])[];
}

/** Of each command that reads a cluster. */
const cluster = {
  context: {
    type: 'string',
    takes: 'NAME',
    listedBy: 'kubectl config get-contexts -o name',
    does: 'of the kubeconfig, in place of its current one',
  },
  kubeconfig: { type: 'string', takes: 'FILE', does: 'in place of KUBECONFIG and ~/.kube/config' },
} as const satisfies Command['options'];

const url = {
  type: 'string',
  takes: 'TEMPLATE',
  check: checkTraceUrl,
  does:
    'where your backend shows a trace, for links: https://grafana.example/explore?trace={traceId}; {start} and {end} in it are ' +
    'milliseconds since 1970, {spanId} the span: on the page and in records, where they are known',
} as const satisfies CommandOption;

const rules = {
  type: 'string',
  takes: 'FILE',
  does: 'rules of your own for controllers that Rootspan does not know (docs/rules.md)',
} as const satisfies CommandOption;

const help = { type: 'boolean', short: 'h', does: 'this' } as const satisfies CommandOption;

export const explainFormats = ['waterfall', 'tree', 'json', 'otlp', 'html'] as const;
export const simulateFormats = ['report', 'json', 'jsonl'] as const;

export const commands = {
  explain: {
    takes: 'FILE…',
    takesFiles: true,
    does: 'the traces in recordings and in what kubectl prints, without any service',
    more:
      'Reads recordings (rootspan record), what kubectl prints as JSON or YAML, lines of the OpenTelemetry collector, of eventrouter\n' +
      'and kubernetes-event-exporter, each of them packed with gzip or zstd as well, and directories of them; - is standard input.',
    options: {
      format: {
        type: 'string',
        choices: explainFormats,
        does: 'waterfall on a terminal, else tree, unless you say otherwise',
      },
      at: { type: 'string', takes: 'TIME', does: 'the traces as they stood then: 2026-11-23T04:51:02Z' },
      why: {
        type: 'boolean',
        does: 'beside each line which rule placed it, and on what ground; goes with tree',
      },
      rules,
      url,
      'fail-on': {
        type: 'string',
        takes: 'OUTCOME,…',
        choices: recordOutcomes,
        does: 'exit 1 where a change ended so, for use in CI; standard error says which',
      },
      help,
    },
    examples: [
      ['explain mine.jsonl', 'a waterfall for each change'],
      ['explain mine.jsonl --format html > mine.html', 'the same as a page that can be mailed'],
      ['explain must-gather/ --format json', 'spans for another program'],
      [
        'explain mine.jsonl --fail-on failed,stalled',
        'in CI: exit 1 where a change failed or did not get there',
      ],
      ['kubectl get events,deploy,rs,pods -A -o json --show-managed-fields |', ''],
      ['explain -', 'of what a cluster still knows'],
    ],
  },
  start: {
    takes: '[FILE…]',
    takesFiles: true,
    does: 'recordings, an example, or a cluster (--live) through the whole pipeline on this machine',
    more:
      'Draws each trace in the terminal and writes a page of all of them (rootspan-traces.html; of --live one of its own).\n' +
      'Where OTEL_EXPORTER_OTLP_ENDPOINT (and …_HEADERS) is set, the spans go there as well.',
    options: {
      live: {
        type: 'boolean',
        does: 'follow the cluster of the kubeconfig, from the Events of its last hour on',
      },
      ...cluster,
      namespace: {
        type: 'string',
        short: 'n',
        multiple: true,
        takes: 'NAME',
        does:
          'with --live: draw only these; the page and the records have all, and all is watched, so rights in one namespace are ' +
          'not enough',
      },
      records: {
        type: 'string',
        takes: 'FILE',
        does:
          'a line of JSON for each change and release that ends, and with --live for each change that stalls ' +
          '(shared/change-record.schema.json); records of before that are in it stay, and are not written again',
      },
      url,
      help,
    },
    examples: [
      ['start', 'a recorded rollout, to see what it looks like'],
      ['start mine.jsonl', 'a recording of yours'],
      ['start mine.jsonl --records changes.jsonl', 'and what each change came to, for a program'],
      ['start --live', 'your cluster, until Ctrl-C; nothing is installed in it'],
      ['start --live --context prod -n shop', 'another of your clusters, and one namespace of it'],
    ],
  },
  record: {
    takes: 'FILE',
    takesFiles: true,
    does: "a cluster's Events and objects into a file, until Ctrl-C",
    more:
      'Holds only what causality reads: no environment, no arguments, no Secret, of annotations only those that it reads;\n' +
      'messages of Events as they are. Once you have looked through those it can be shown to\n' +
      'others. - is standard output.',
    options: {
      ...cluster,
      namespace: {
        type: 'string',
        short: 'n',
        multiple: true,
        takes: 'NAME',
        does: 'only these, and Nodes; all is watched and the rest left out, so rights in one namespace are not enough',
      },
      seconds: { type: 'string', takes: 'N', does: 'ends by itself after so long' },
      help,
    },
    examples: [
      ['record mine.jsonl', 'all of the current cluster'],
      ['record shop.jsonl --context prod -n shop --seconds 600', 'ten minutes of one namespace'],
    ],
  },
  trace: {
    takes: 'KIND/NAME [FILE…]',
    takesFiles: true,
    does: 'the ids of the traces of one workload’s changes, the newest first',
    more:
      'From recordings where files are given; else from the live cluster: what the object and its Events still tell. An owned object\n' +
      '(a Pod, a ReplicaSet) has the traces of what owns it. Kinds are as kubectl takes them: deploy/web, sts/db, pod/web-7d9f-x2k.',
    options: {
      namespace: { type: 'string', short: 'n', takes: 'NAME', does: "in place of the context's, or of any" },
      ...cluster,
      url,
      format: { type: 'string', choices: ['text', 'json'], does: 'text unless you say otherwise' },
      help,
    },
    examples: [
      ['trace deploy/web -n shop', 'of the current cluster'],
      ['trace deploy/web -n shop mine.jsonl', 'of a recording'],
      ['trace pod/web-7d9f-x2k --url "https://tempo.example/trace/{traceId}"', 'as links'],
    ],
  },
  doctor: {
    takes: '',
    does: 'whether Events flow out of a cluster, and where they stop if not',
    options: {
      ...cluster,
      namespace: {
        type: 'string',
        short: 'n',
        takes: 'NAME',
        does: 'of the forwarder; rootspan unless you say otherwise',
      },
      lease: {
        type: 'string',
        takes: 'NAME',
        does: 'of the forwarder, where several are in the namespace; its pods say it',
      },
      help,
    },
    examples: [
      ['doctor', 'of the current cluster'],
      ['doctor --context prod --namespace observability', 'of another, where it is installed elsewhere'],
    ],
  },
  simulate: {
    takes: 'FILE…',
    takesFiles: true,
    does: 'what AWS would make of recordings: how late, at what price, whatever goes wrong',
    more:
      'Runs the pipeline as AWS would (stream, functions, table, queues, backend) in this process and on a clock of its own, each\n' +
      'observation at the time that the recording says it came, and holds what the backend got against what explain says. Exit 1\n' +
      'where a span was lost or contradicted; standard error says which.',
    options: {
      seed: {
        type: 'string',
        takes: 'N',
        does: 'the same seed, the same run, to the byte; 1 unless you say otherwise',
      },
      faults: {
        type: 'string',
        choices: ['none', 'all'],
        does:
          'all: what AWS may do, as the seed says: deliveries twice, at once and late, functions that die at any call, answers that get ' +
          'lost, parts that are away or throttle for a while, clocks that differ, cold starts',
      },
      format: {
        type: 'string',
        choices: simulateFormats,
        does:
          'report (unless you say otherwise): latency, requests, units, bytes, milliseconds, and the price of a million Events; json: the ' +
          'same; jsonl: a line for each span as the backend got it: {"deliveredAt":MILLISECONDS,"span":{…}}',
      },
      partitions: {
        type: 'string',
        takes: 'N',
        does: "partition keys of each cluster, as the chart's value, and as many shards; 1 unless you say otherwise",
      },
      rules,
      help,
    },
    examples: [
      ['simulate mine.jsonl', 'how late its traces would be, and what AWS would ask for it'],
      ['simulate mine.jsonl --faults all --seed 7', 'and whatever AWS may do to it'],
    ],
  },
  'replay-set-aside': {
    takes: '',
    does: 'what was set aside in an AWS account, back into its pipeline',
    more: 'The output ReplaySetAside of the stack is this command as it has to be. Region and credentials are the environment’s.',
    options: {
      bucket: { type: 'string', takes: 'NAME', does: 'where it was set aside' },
      stream: {
        type: 'string',
        takes: 'NAME',
        does: 'of observations: where what the forwarders sent goes back to',
      },
      'timers-queue': {
        type: 'string',
        takes: 'URL',
        does: 'where timers go back to that settle could not read: each brings an activity to be settled',
      },
      'spans-queue': {
        type: 'string',
        takes: 'URL',
        does: 'where spans go back to that the backend refused, or that could not be read',
      },
      'signing-key': {
        type: 'string',
        takes: 'FILE',
        does: 'where clusters sign: of a key that the stack takes for theirs',
      },
      help,
    },
    examples: [
      [
        'replay-set-aside --bucket BUCKET --stream STREAM --timers-queue URL --spans-queue URL',
        'all four as the output ReplaySetAside has them',
      ],
    ],
  },
  completion: {
    takes: 'bash|zsh|fish',
    does: 'what lets your shell complete all this',
    options: { help },
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/rootspan', 'bash'],
      ['completion zsh > "$fpath[1]/_rootspan"', 'zsh'],
      ['completion fish > ~/.config/fish/completions/rootspan.fish', 'fish'],
    ],
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commands;
export const commandNames = Object.keys(commands) as CommandName[];
