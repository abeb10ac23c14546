/** What is installed: exact pins, nothing that runs at install, nothing deprecated, nothing with a known hole. */
import { expect, test } from "vitest";
import { textOf } from "./repository.ts";

interface LockedPackage {
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly deprecated?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Before these, a single client could stop the process or read what is not its own. */
const atLeast: Readonly<Record<string, string>> = {
  aedes: "1.2.0",
  "mqtt-packet": "9.0.2",
  protobufjs: "8.6.5",
  ws: "8.23.0",
  fastify: "5.8.5",
};

function isOlder(version: string, wanted: string): boolean {
  const [have = [], need = []] = [version, wanted].map((text) =>
    text.split("-")[0]?.split(".").map(Number),
  );
  for (const [place, part] of need.entries()) {
    const difference = (have[place] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function lockFaults(packages: Readonly<Record<string, LockedPackage>>): readonly string[] {
  return Object.entries(packages).flatMap(([path, locked]) => {
    const name = path.replace(/^.*node_modules\//, "");
    const wanted = atLeast[name];
    const faults: string[] = [];
    if (locked.hasInstallScript === true) faults.push(`${name}: runs a script at install`);
    if (locked.deprecated !== undefined) faults.push(`${name}: deprecated`);
    if (locked.resolved !== undefined && !isPublic(locked.resolved)) {
      faults.push(`${name}: from a host that others cannot reach`);
    }
    if (wanted !== undefined && isOlder(locked.version ?? "0", wanted)) {
      faults.push(`${name}: ${locked.version} is older than ${wanted}`);
    }
    return faults;
  });
}

/** What a package asks for and the lockfile does not hold: `npm ci` refuses such a lockfile. */
function missingIn(packages: Readonly<Record<string, LockedPackage>>): readonly string[] {
  const held = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
  const wanted = Object.values(packages).flatMap((locked) =>
    Object.keys({ ...locked.dependencies, ...locked.optionalDependencies }),
  );
  return [...new Set(wanted)].filter((name) => !held.has(name));
}

function isPublic(resolved: string): boolean {
  return resolved.startsWith("https://registry.npmjs.org/");
}

function loosePins(manifest: Readonly<Record<string, unknown>>): readonly string[] {
  const groups = ["dependencies", "devDependencies", "optionalDependencies"];
  return groups
    .flatMap((group) => Object.entries((manifest[group] ?? {}) as Record<string, string>))
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name]) => name);
}

const lock = JSON.parse(textOf("package-lock.json")) as {
  packages: Record<string, LockedPackage>;
};

test("the lockfile is clean, and every package in question is in it", () => {
  expect(lockFaults(lock.packages)).toEqual([]);
  const missing = Object.keys(atLeast).filter(
    (name) => lock.packages[`node_modules/${name}`] === undefined,
  );
  expect(missing).toEqual([]);
});

test("what a package asks for is locked, for every platform", () => {
  expect(missingIn(lock.packages)).toEqual([]);
  const gap = { "node_modules/a": { optionalDependencies: { "a-linux": "1", "a-win32": "1" } } };
  expect(missingIn({ ...gap, "node_modules/a-linux": {} })).toEqual(["a-win32"]);
});

test("pins are exact", () => {
  expect(loosePins(JSON.parse(textOf("package.json")) as Record<string, unknown>)).toEqual([]);
  const loose = { dependencies: { a: "^1.0.0", b: "1.0.0", c: "latest" } };
  expect(loosePins(loose)).toEqual(["a", "c"]);
});

test("a bad lockfile is seen", () => {
  const faults = lockFaults({
    "node_modules/a": { version: "1.0.0", hasInstallScript: true },
    "node_modules/b": { version: "1.0.0", deprecated: "use c" },
    "node_modules/x/node_modules/ws": { version: "8.22.9" },
    "node_modules/fastify": { version: "5.8.5", resolved: "http://127.0.0.1/fastify.tgz" },
    "node_modules/aedes": { version: "1.10.0" },
  });
  expect(faults).toHaveLength(4);
});
