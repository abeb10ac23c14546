/** The three laws of the house: rooms by name, the allow-list, one package one room. */
import { existsSync, globSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { allFiles, codeFiles, rootFolder, textOf } from "./repository.ts";
import { isInside, packageRooms, roomOf, rooms, roomTable, type Room } from "./rooms.ts";
import { importsOf, type Import } from "./tokens.ts";

/** `#domain/ids.ts` → `src/domain/ids.ts`, by the `imports` of package.json. */
function pathOf(specifier: string): string {
  const isTopLevel = /^#(protocols|simulators)\//.test(specifier);
  return isTopLevel ? specifier.slice(1) : `src/${specifier.slice(1)}`;
}

function packageOf(specifier: string): string {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/** `protocols/*` is a room for each name. */
function isSameRoom(home: Room, file: string, target: string): boolean {
  if (roomOf(target) !== home) return false;
  return !home.path.endsWith("/*") || file.split("/")[1] === target.split("/")[1];
}

function wrongImport(file: string, home: Room, one: Import): string | undefined {
  const { specifier, isTypeOnly } = one;
  if (isBuiltin(specifier)) return undefined;
  if (!/^[.#]/.test(specifier)) {
    const name = packageOf(specifier);
    const isHome = packageRooms[name]?.some((path) => isInside(file, path)) === true;
    return isHome ? undefined : `${name} has another room`;
  }
  if (!/\.(ts|json)$/.test(specifier)) return `${specifier} without its ending`;
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(file), specifier);
    return isSameRoom(home, file, target) ? undefined : `${specifier} leaves the room`;
  }
  const target = pathOf(specifier);
  if (isSameRoom(home, file, target)) return `${specifier} is in the same room: write ./`;
  if (home.mayImport.some((allowed) => isWithin(target, allowed))) return undefined;
  if (!home.mayImportTypesOf.some((allowed) => isWithin(target, allowed))) {
    return `${specifier} is not on the allow-list of ${home.path}`;
  }
  return isTypeOnly ? undefined : `${specifier}: only types may be imported`;
}

function isWithin(target: string, allowed: string): boolean {
  return target === allowed || isInside(target, allowed);
}

/** Everything that a file imports and may not. */
function wrongImports(file: string, source: string): readonly string[] {
  const home = roomOf(file);
  if (home === undefined) return [`${file}: in no room`];
  return importsOf(source).flatMap((one) => {
    const wrong = wrongImport(file, home, one);
    return wrong === undefined ? [] : [`${file}:${one.line}: ${wrong}`];
  });
}

test("every import obeys the table of rooms", () => {
  expect(codeFiles.flatMap((file) => wrongImports(file, textOf(file)))).toEqual([]);
});

test.each([
  ["src/rules/leak.ts", '"../domain/ids.ts"', "leaves the room"],
  ["src/rules/leak.ts", '"#engine/fold.ts"', "allow-list"],
  ["src/rules/leak.ts", '"#rules/rule.ts"', "same room"],
  ["src/rules/leak.ts", '"./rule"', "ending"],
  ["src/rules/leak.ts", '"zod"', "zod has another room"],
  ["src/api/server.ts", '"#engine/engine.ts"', "only types"],
  ["src/api/routes/x.ts", '"../../ledger/sql.ts"', "leaves the room"],
  ["protocols/json/uplink.ts", '"#protocols/cjt188/frame.ts"', "allow-list"],
  ["simulators/meter.ts", '"#engine/fold.ts"', "allow-list"],
  ["src/serve.ts", '"../test/support/engine.ts"', "leaves the room"],
  ["src/new/thing.ts", '"node:fs"', "in no room"],
])("%s importing %s is refused: %s", (file, specifier, why) => {
  expect(wrongImports(file, `import { a } from ${specifier};`).join()).toContain(why);
});

test("types may come from where types may come from, a room may use its own", () => {
  const source = `import type { A } from "#engine/messages.ts"; import { b } from "./json/b.ts";`;
  expect(wrongImports("src/api/server.ts", source)).toEqual([]);
});

test("every room of the table exists, and every folder of code has a room", () => {
  const missing = rooms.filter(({ path }) => {
    const isThere = path.includes("*")
      ? globSync(path, { cwd: rootFolder }).length > 0
      : existsSync(join(rootFolder, path));
    return !isThere;
  });
  expect(missing.map(({ path }) => path)).toEqual([]);
  expect(codeFiles.filter((file) => roomOf(file) === undefined)).toEqual([]);
});

test("every production package has a room, and every package of the table is installed", () => {
  const { dependencies, devDependencies } = JSON.parse(textOf("package.json")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies).filter((name) => packageRooms[name] === undefined)).toEqual([]);
  const installed = { ...devDependencies, ...dependencies };
  expect(Object.keys(packageRooms).filter((name) => installed[name] === undefined)).toEqual([]);
});

test("the architecture document shows this very table", () => {
  const squeeze = (text: string) => text.replaceAll(/-{3,}/g, "---").replaceAll(/ +/g, " ");
  expect(squeeze(textOf("docs/ARCHITECTURE.md"))).toContain(squeeze(roomTable()));
});

test("nobody but a test imports a test", () => {
  const strangers = allFiles.filter((file) => file.endsWith(".ts") && !file.startsWith("test/"));
  const wrong = strangers.filter((file) =>
    importsOf(textOf(file)).some(({ specifier }) => /(^|\/)test\//.test(specifier)),
  );
  expect(wrong).toEqual([]);
});
