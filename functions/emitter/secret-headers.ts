/**
 * Headers from a secret that is kept for some minutes: rotated without a deployment, and read anew at once where the
 * backend no longer takes the old ones.
 */
import * as v from 'valibot';
import { RetryableError, UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import type { OtlpTransport } from './export-spans.ts';
import type { Authorize, Headers } from './http-transport.ts';
import { parseHeaders } from './read-config.ts';

export interface SecretSource {
  /** The secret's text; `fresh`: from where it is kept, not a copy. */
  read(fresh: boolean): Promise<string>;
}

export interface SecretHeaders {
  authorize: Authorize;
  /** Reads the secret anew, and tells whether it has changed. */
  renew(): Promise<boolean>;
}

export function createSecretHeaders(source: SecretSource): SecretHeaders {
  let text: string | undefined;
  const load = async (fresh: boolean): Promise<Headers> => {
    try {
      text = await source.read(fresh);
    } catch (error) {
      throw new RetryableError(`the secret of the backend's headers cannot be read (${nameOf(error)})`);
    }
    return parseSecret(text);
  };
  return {
    authorize: async (headers) => ({ ...headers, ...(await load(false)) }),
    async renew() {
      const before = text;
      await load(true);
      return text !== before;
    },
  };
}

/** Sends once more where the backend does not know us and the secret has changed since. */
export function renewHeaders(transport: OtlpTransport, secret: SecretHeaders): OtlpTransport {
  return {
    protocol: transport.protocol,
    async send(body) {
      const answer = await transport.send(body);
      if (answer.kind === 'unanswered' || (answer.status !== 401 && answer.status !== 403)) return answer;
      const isRenewed = await secret.renew().catch((error: unknown) => {
        if (error instanceof RetryableError) return false;
        throw error;
      });
      return isRenewed ? transport.send(body) : answer;
    },
  };
}

const HeadersSchema = v.record(v.string(), v.string());

/** In the format of OTEL_EXPORTER_OTLP_HEADERS, or a JSON object of names and values as the console writes it. */
function parseSecret(text: string): Headers {
  const what = "the secret of the backend's headers";
  try {
    if (!text.trimStart().startsWith('{')) return parseHeaders(text, what);
    const parsed = parseWith(HeadersSchema, JSON.parse(text));
    if (!parsed.ok) throw new RetryableError(`${what}: a value is no text`);
    const entries = Object.entries(parsed.value).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    return parseHeaders(entries.join(','), what);
  } catch (error) {
    if (error instanceof UserError) throw new RetryableError(error.message);
    // JSON.parse's message quotes what it read.
    if (error instanceof SyntaxError) throw new RetryableError(`${what} is not JSON`);
    throw error;
  }
}

/** Of the SDK's own error, where a library has wrapped it: AccessDeniedException and the like, never its message. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return error.cause instanceof Error ? error.cause.name : error.name;
}
