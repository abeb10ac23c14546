/** What all route files share: the typed server, and how a caller chooses a format. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Page } from "#ports/queries.ts";

/** A Fastify server whose handlers are typed by their zod schemas. */
export type Routes = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export const formats = ["json", "ndjson", "csv"] as const;
export type Format = (typeof formats)[number];

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
};

/** `?format=` wins; else the first of the accepted types that the route has; else JSON. */
export function chooseFormat<Offered extends Format>(
  request: FastifyRequest,
  asked: Offered | undefined,
  offered: readonly Offered[],
): Offered | "json" {
  if (asked !== undefined) return asked;
  for (const range of (request.headers.accept ?? "").split(",")) {
    const type = range.split(";", 1)[0]?.trim().toLowerCase();
    const format = offered.find((name) => mediaTypes[name] === type);
    if (format !== undefined) return format;
  }
  return "json";
}

/** Headers that the documents describe; the others pass. */
export const idempotencyHeaders = z.looseObject({ "idempotency-key": z.string().optional() });
export const ifMatchHeaders = z.looseObject({ "if-match": z.string().optional() });

/** Everything behind a paged query, a page at a time. */
export async function* allPages<Row>(
  page: (cursor: string | null) => Promise<Page<Row>>,
): AsyncGenerator<readonly Row[]> {
  let cursor: string | null = null;
  do {
    const { items, next }: Page<Row> = await page(cursor);
    yield items;
    cursor = next;
  } while (cursor !== null);
}

/** Sends what no schema looks at: bulk, and text that is stored as it is shown. */
export async function sendRaw(
  reply: FastifyReply,
  mediaType: string,
  body: string | Readable,
): Promise<void> {
  await reply.type(mediaType).serializer(String).send(body);
}

/**
 * A stream of text, a page a chunk; a failure on the way breaks the connection, so it is never
 * taken for the end.
 */
export function streamOf(chunks: AsyncIterable<string>): Readable {
  return Readable.from(chunks, { objectMode: false });
}
