/** Texts of settings, each refused by what it should be. */
import * as v from 'valibot';

export const matching = (pattern: RegExp, message: string) =>
  v.pipe(
    v.string(),
    v.check((text) => pattern.test(text), message),
  );

/** @param rest how it goes on after the service and a colon, as far as a mix-up would show */
export const Arn = (service: string, rest: RegExp, what: string) =>
  matching(new RegExp(`^arn:aws[a-z-]*:${service}:${rest.source}`), `should be the ARN of ${what}`);

/** @param unit of what; a setting that has bounds says them */
export const Whole = (least: number, most: number, unit: string) =>
  v.pipe(
    v.number(),
    v.check(
      (count) => Number.isInteger(count) && count >= least && count <= most,
      `should be whole ${unit}, from ${least} to ${most}`,
    ),
  );
