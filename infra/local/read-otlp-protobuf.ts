/**
 * OTLP in protobuf (opentelemetry-proto, trace/v1/trace.proto and its imports), as the JSON form of the same request: of each
 * message the fields that spans have here, all others are skipped. The generated code that OpenTelemetry's packages once brought
 * is gone from them, and a general reader of protobuf would be a dependency of the local receiver alone.
 */

/** Ids are hex in OTLP/JSON, where protobuf has bytes. */
type Scalar = 'text' | 'hex' | 'fixed64' | 'int' | 'bool' | 'double';

interface Field {
  name: string;
  type: Scalar | Message;
  isList?: true;
}

/** By field number. */
type Message = () => Readonly<Record<number, Field>>;

const anyValue: Message = () => ({
  1: { name: 'stringValue', type: 'text' },
  2: { name: 'boolValue', type: 'bool' },
  3: { name: 'intValue', type: 'int' },
  4: { name: 'doubleValue', type: 'double' },
  5: { name: 'arrayValue', type: arrayValue },
});
const arrayValue: Message = () => ({ 1: { name: 'values', type: anyValue, isList: true } });
const keyValue: Message = () => ({
  1: { name: 'key', type: 'text' },
  2: { name: 'value', type: anyValue },
});
const link: Message = () => ({
  1: { name: 'traceId', type: 'hex' },
  2: { name: 'spanId', type: 'hex' },
  4: { name: 'attributes', type: keyValue, isList: true },
});
const status: Message = () => ({
  2: { name: 'message', type: 'text' },
  3: { name: 'code', type: 'int' },
});
const span: Message = () => ({
  1: { name: 'traceId', type: 'hex' },
  2: { name: 'spanId', type: 'hex' },
  4: { name: 'parentSpanId', type: 'hex' },
  5: { name: 'name', type: 'text' },
  7: { name: 'startTimeUnixNano', type: 'fixed64' },
  8: { name: 'endTimeUnixNano', type: 'fixed64' },
  9: { name: 'attributes', type: keyValue, isList: true },
  13: { name: 'links', type: link, isList: true },
  15: { name: 'status', type: status },
});
const resource: Message = () => ({ 1: { name: 'attributes', type: keyValue, isList: true } });
const scopeSpans: Message = () => ({ 2: { name: 'spans', type: span, isList: true } });
const resourceSpans: Message = () => ({
  1: { name: 'resource', type: resource },
  2: { name: 'scopeSpans', type: scopeSpans, isList: true },
});
const request: Message = () => ({ 1: { name: 'resourceSpans', type: resourceSpans, isList: true } });

/** Throws where the bytes are no protobuf, or end too early. */
export const readOtlpProtobuf = (bytes: Uint8Array): unknown => readMessage(new Reader(bytes), request);

function readMessage(reader: Reader, message: Message): Record<string, unknown> {
  const fields = message();
  const read: Record<string, unknown> = {};
  while (!reader.isAtEnd()) {
    const tag = Number(reader.varint());
    const field = fields[tag >>> 3];
    const wireType = tag & 7;
    if (field === undefined) {
      reader.skip(wireType);
      continue;
    }
    const value = readValue(reader, field.type, wireType);
    if (field.isList !== true) read[field.name] = value;
    else if (read[field.name] === undefined) read[field.name] = [value];
    else (read[field.name] as unknown[]).push(value);
  }
  return read;
}

const wireTypes: Readonly<Record<Scalar, number>> = {
  int: 0,
  bool: 0,
  fixed64: 1,
  double: 1,
  text: 2,
  hex: 2,
};

function readValue(reader: Reader, type: Scalar | Message, wireType: number): unknown {
  if (wireType !== (typeof type === 'string' ? wireTypes[type] : 2))
    throw new Error('not an OTLP request in protobuf: a field of another type');
  if (typeof type !== 'string') return readMessage(new Reader(reader.bytes()), type);
  switch (type) {
    case 'text':
      return new TextDecoder().decode(reader.bytes());
    case 'hex':
      return Buffer.from(reader.bytes()).toString('hex');
    case 'fixed64':
      return String(reader.eight().getBigUint64(0, true));
    case 'double':
      return reader.eight().getFloat64(0, true);
    case 'int':
      return Number(BigInt.asIntN(64, reader.varint()));
    case 'bool':
      return reader.varint() !== 0n;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Seven bits a byte, the lowest first. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('not an OTLP request in protobuf: a number without end');
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.varint()));
  }

  eight(): DataView {
    const { buffer, byteOffset } = this.#take(8);
    return new DataView(buffer, byteOffset, 8);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#take(4);
    else throw new Error('not an OTLP request in protobuf');
  }

  #take(count: number): Uint8Array {
    const from = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new Error('not an OTLP request in protobuf: it ends too early');
    return this.#bytes.subarray(from, this.#at);
  }
}
