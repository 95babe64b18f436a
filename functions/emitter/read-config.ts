/**
 * Where spans go: OpenTelemetry's own variables, read as its specification says
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). The variant for traces (`OTEL_EXPORTER_OTLP_TRACES_…`)
 * wins over the general one; an empty variable counts as not set. Errors name the variable and never quote it: headers
 * hold credentials, and so may an address.
 */
import { UserError } from '../../shared/errors.ts';
import { type ServiceNaming, serviceNamings } from './name-services.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OtlpEndpoint {
  url: URL;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** For one request, from connecting to the last byte of the answer, in milliseconds. */
  timeoutMs: number;
  compression: 'gzip' | 'none';
  protocol: OtlpProtocol;
}

export const otlpProtocols = ['http/protobuf', 'http/json'] as const;
export type OtlpProtocol = (typeof otlpProtocols)[number];

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * The endpoint that the environment names, or undefined where it names none.
 * @throws UserError that names the variable to put right
 */
export function readOtlpEndpoint(env: Environment): OtlpEndpoint | undefined {
  const url = readUrl(env);
  if (url === undefined) return undefined;
  return {
    url,
    headers: {
      ...readHeaders(env, 'OTEL_EXPORTER_OTLP_HEADERS'),
      ...readHeaders(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'),
    },
    timeoutMs: readTimeout(env),
    compression: readCompression(env),
    protocol: readProtocol(env),
  };
}

/** The general endpoint is a base, to which the signal's path is added; the one for traces is used as it is. */
function readUrl(env: Environment): URL | undefined {
  const own = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const general = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const ownText = read(env, own);
  if (ownText !== undefined) return parseUrl(own, ownText);
  const baseText = read(env, general);
  if (baseText === undefined) return undefined;
  const url = parseUrl(general, baseText);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url;
}

function parseUrl(variable: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UserError(`${variable} should be an address like https://collector.example:4318`);
  }
  return url;
}

function readHeaders(env: Environment, variable: string): Record<string, string> {
  return parseHeaders(read(env, variable) ?? '', variable);
}

/**
 * `name=value,name=value`, the values percent-encoded (the format of W3C Baggage, without properties).
 * @throws UserError that names `variable` and quotes nothing
 */
export function parseHeaders(text: string, variable: string): Record<string, string> {
  const headers: Record<string, string> = {};
  // Not `import` (http-transport.ts says why).
  const { validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http');
  const entries = text.split(',').map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    if (entry === '') continue;
    const equals = entry.indexOf('=');
    const name = entry.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    try {
      const value = decodeURIComponent(entry.slice(equals + 1).trim());
      validateHeaderName(name);
      validateHeaderValue(name, value);
      headers[name] = value;
    } catch {
      throw new UserError(
        `${variable}: header ${index + 1} should be name=value with the value percent-encoded (a comma is %2C)`,
      );
    }
  }
  return headers;
}

function readTimeout(env: Environment): number {
  const { variable, text } = readEither(env, 'TIMEOUT');
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = Number(text);
  // A timer of Node takes 31 bits of milliseconds and fires at once for more.
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs >= 2 ** 31) {
    throw new UserError(`${variable} should be a whole number of milliseconds`);
  }
  return timeoutMs;
}

/** OTLP's default is none; here it is gzip, which every OTLP receiver must take and which saves nine tenths of the bytes. */
function readCompression(env: Environment): 'gzip' | 'none' {
  const { variable, text } = readEither(env, 'COMPRESSION');
  if (text === undefined || text === 'gzip') return 'gzip';
  if (text === 'none') return 'none';
  throw new UserError(`${variable} should be gzip or none`);
}

/** Protobuf is what OTLP asks of every receiver; some take nothing else. */
function readProtocol(env: Environment): OtlpProtocol {
  const { variable, text } = readEither(env, 'PROTOCOL');
  const protocol = otlpProtocols.find((known) => known === (text ?? 'http/protobuf'));
  if (protocol === undefined) throw new UserError(`${variable} should be ${otlpProtocols.join(' or ')}`);
  return protocol;
}

function readEither(env: Environment, setting: string): { variable: string; text: string | undefined } {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${setting}`;
  const general = `OTEL_EXPORTER_OTLP_${setting}`;
  const variable = read(env, own) === undefined ? general : own;
  return { variable, text: read(env, variable) };
}

function read(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim();
  return text === '' ? undefined : text;
}

export interface EmitterConfig {
  destination: Destination;
  serviceName: ServiceNaming;
  setAsideBucket: string;
  spansQueueUrl: string;
}

export type Destination =
  /** Any OTLP/HTTP receiver; `headersSecretArn`: a secret in Secrets Manager with further headers. */
  | { kind: 'otlp'; endpoint: OtlpEndpoint; headersSecretArn?: string }
  /** The OTLP endpoint of AWS X-Ray in the function's region. */
  | { kind: 'x-ray'; endpoint: OtlpEndpoint };

/** @throws UserError that names the variable to put right */
export function readEmitterConfig(env: Environment): EmitterConfig {
  return {
    destination: readDestination(env),
    serviceName: readServiceNaming(env),
    setAsideBucket: readText(env, 'SET_ASIDE_BUCKET'),
    spansQueueUrl: readText(env, 'SPANS_QUEUE_URL'),
  };
}

function readServiceNaming(env: Environment): ServiceNaming {
  const text = read(env, 'SERVICE_NAME') ?? 'workload';
  const naming = serviceNamings.find((known) => known === text);
  if (naming === undefined) throw new UserError(`SERVICE_NAME should be ${serviceNamings.join(', ')}`);
  return naming;
}

/** Whether nobody on the way can read what is sent there; a collector in the same sandbox has no way. */
export const keepsSecrets = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);

function readDestination(env: Environment): Destination {
  const endpoint = readOtlpEndpoint(env);
  const headersSecretArn = read(env, 'OTLP_HEADERS_SECRET_ARN');
  if (endpoint !== undefined) {
    if (headersSecretArn !== undefined && !keepsSecrets(endpoint.url)) {
      throw new UserError(
        'OTEL_EXPORTER_OTLP_ENDPOINT should be https: what OTLP_HEADERS_SECRET_ARN holds could be read on its way',
      );
    }
    return { kind: 'otlp', endpoint, ...(headersSecretArn !== undefined && { headersSecretArn }) };
  }
  if (headersSecretArn !== undefined) {
    throw new UserError('OTLP_HEADERS_SECRET_ARN needs OTEL_EXPORTER_OTLP_ENDPOINT');
  }
  return {
    kind: 'x-ray',
    endpoint: {
      url: new URL(
        `https://xray.${readText(env, 'AWS_REGION')}.${read(env, 'URL_SUFFIX') ?? 'amazonaws.com'}/v1/traces`,
      ),
      headers: {},
      timeoutMs: readTimeout(env),
      compression: readCompression(env),
      protocol: readProtocol(env),
    },
  };
}

function readText(env: Environment, variable: string): string {
  const text = read(env, variable);
  if (text === undefined) throw new UserError(`${variable} is missing`);
  return text;
}
