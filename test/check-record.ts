/** What a change record has that its schema does not allow. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const schema = JSON.parse(
  readFileSync(new URL('../shared/change-record.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

export const schemaOutcomes: readonly string[] = schema.properties.outcome.enum;

export const faultsOf = (record: unknown): string[] =>
  validate(record)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
