/** Where a value stands in the tree of objects, instances and resources. */

/** Numbers of a path from the left, as far as it goes. */
export interface PathPrefix {
  readonly object: number | null;
  readonly instance: number | null;
  readonly resource: number | null;
  /** The instance of a resource that has several. */
  readonly item: number | null;
}

/** The path of a value. */
export interface ResourcePath extends PathPrefix {
  readonly object: number;
  readonly instance: number;
  readonly resource: number;
}

const pathPattern = /^(?:\/\d{1,5}){0,4}\/?$/;
/** 65535 is kept for "none". */
const idMax = 65_534;

/** `/3/0/6` as numbers; undefined when it is no path. The slash in front may be missing. */
export function parsePath(text: string): PathPrefix | undefined {
  const whole = text === "" || text.startsWith("/") ? text : `/${text}`;
  if (!pathPattern.test(whole)) return undefined;
  const ids = whole.split("/").filter((part) => part !== "");
  const [object = null, instance = null, resource = null, item = null] = ids.map(Number);
  const isWithin = [object, instance, resource, item].every((id) => id === null || id <= idMax);
  return isWithin ? { object, instance, resource, item } : undefined;
}

/** The prefix as the path of a value; undefined when it ends before the resource. */
export function valuePath({ object, instance, resource, item }: PathPrefix) {
  if (object === null || instance === null || resource === null) return undefined;
  return { object, instance, resource, item } satisfies ResourcePath;
}

/** As people write it. */
export function printPath({ object, instance, resource, item }: PathPrefix): string {
  const ids = [object, instance, resource, item].filter((id) => id !== null);
  return ids.map((id) => `/${id}`).join("");
}
