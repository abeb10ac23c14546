/** The small schemas that the others are made of. Unknown keys are refused everywhere. */
import { z } from "zod";
import { apiLimits } from "../limits.ts";

/**
 * Control characters and bidirectional marks: nobody types them, logs and terminals suffer from
 * them.
 */
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/** Text that a person typed. */
export function text(charactersMax: number) {
  return z
    .string()
    .min(1)
    .max(charactersMax)
    .refine(
      (value) => value.isWellFormed() && !unprintable.test(value),
      "has unprintable characters",
    );
}

/** CONTRACT section 2. */
export const idSchema = z.string().regex(/^[0-9A-Za-z_-]{1,32}$/);
/** Ids that this program makes: version 7 UUIDs, and whatever may come later. */
export const ownIdSchema = z.string().regex(/^[0-9A-Za-z_-]{1,64}$/);
export const areaSchema = text(64);
export const reasonSchema = text(500);

export const idParams = z.strictObject({ id: idSchema });
export const ownIdParams = z.strictObject({ id: ownIdSchema });

/** RFC 3339 with offset, as milliseconds. */
export const instantQuery = z.iso
  .datetime({
    offset: true,
    error: "must be RFC 3339 with an offset; write + as %2B in an address",
  })
  .transform((value) => Date.parse(value));

export const instantJson = z.iso.datetime({ offset: true });
export const decimalJson = z.string().regex(/^-?\d+(\.\d+)?$/);

/** `a,b,c`, each one of the words. */
export function wordList<const Word extends string>(words: readonly Word[]) {
  return z
    .string()
    .transform((value) => value.split(","))
    .pipe(z.array(z.enum(words)).max(words.length));
}

export const cursorQuery = z.string().min(1).max(512);
export const limitQuery = z.coerce
  .number()
  .int()
  .min(1)
  .max(apiLimits.pageRowsMax)
  .default(apiLimits.pageRowsDefault);
export const sequenceQuery = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** One page; `next` is opaque, null at the end. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}
