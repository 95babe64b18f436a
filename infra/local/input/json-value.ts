/** A value out of a file: nothing is known of it but that it was JSON or YAML. */
export type Json = Record<string, unknown>;

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Its fields, none where it is no object. */
export const fieldsOf = (value: unknown): Json => (isRecord(value) ? value : {});

export const recordsOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
