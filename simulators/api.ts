/** The little of the engine's HTTP API that a district needs. */

export interface ApiAccess {
  readonly baseUrl: string;
  readonly key: string;
}

/** The API refused, or could not be reached (status 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code = "API_REFUSED";
  readonly status: number;
  constructor(status: number, what: string, options?: ErrorOptions) {
    super(`API_REFUSED: ${what}`, options);
    this.status = status;
  }
}

const requestTimeoutMs = 30_000;

/** One request; the answer's JSON. */
export async function callApi(
  api: ApiAccess,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${api.baseUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${api.key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  }).catch((cause: unknown) => {
    throw new ApiError(0, `${method} ${path} found no server`, { cause });
  });
  const text = await response.text();
  if (!response.ok) {
    throw new ApiError(response.status, `${method} ${path}: ${response.status} ${text}`);
  }
  return JSON.parse(text);
}

/** A string property of an answer; undefined when it is not there. */
export function stringIn(json: unknown, key: string): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const value: unknown = Reflect.get(json, key);
  return typeof value === "string" ? value : undefined;
}
