/** What the documents point at exists: files, headings, tests. */
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { allFiles, rootFolder, textOf } from "./repository.ts";

const documents = allFiles.filter((file) => file.endsWith(".md"));

/** The anchor that a heading gets where the repository is shown. */
function anchorOf(heading: string): string {
  const words = heading.replaceAll("`", "").toLowerCase();
  return words.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

function anchorsIn(document: string): ReadonlySet<string> {
  const headings = withoutCode(document).matchAll(/^#{1,6} +(.+?) *$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

function withoutCode(document: string): string {
  return document.replaceAll(/^```[\s\S]*?^```/gm, "");
}

type Read = (file: string) => string | undefined;

const onDisk: Read = (file) => {
  const path = join(rootFolder, file);
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? "" : textOf(file);
};

/** Links that lead nowhere inside the repository. */
function brokenLinks(file: string, document: string, read: Read): readonly string[] {
  const links = withoutCode(document).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : posix.join(posix.dirname(file), path);
    const text = path === "" ? document : read(target);
    if (text === undefined) return [`${file}: ${link}`];
    return anchor === undefined || anchorsIn(text).has(anchor) ? [] : [`${file}: ${link}`];
  });
}

/** Files named in backquotes, as `src/rules/leak.ts`. */
function namedFiles(document: string): readonly string[] {
  const named = withoutCode(document).matchAll(
    /`((?:src|protocols|simulators|test|grafana|docs|\.ci)\/[\w./-]*[\w/])`/g,
  );
  return [...named].map(([, path = ""]) => path);
}

test.each(documents)("every link in %s leads somewhere", (file) => {
  expect(brokenLinks(file, textOf(file), onDisk)).toEqual([]);
});

test.each(documents)("every file that %s names exists", (file) => {
  const missing = namedFiles(textOf(file)).filter((path) => onDisk(path) === undefined);
  expect(missing).toEqual([]);
});

test("the clauses name rooms and tests", () => {
  const named = namedFiles(textOf("docs/CLAUSES.md"));
  expect(named.filter((path) => path.endsWith(".test.ts")).length).toBeGreaterThan(10);
  expect(named.filter((path) => path.startsWith("src/")).length).toBeGreaterThan(10);
});

test("every document is reachable from the README", () => {
  const seen = new Set<string>(["README.md"]);
  for (const file of seen) {
    for (const [, link = ""] of textOf(file).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
      const target = posix.join(posix.dirname(file), link);
      if (target.endsWith(".md") && existsSync(join(rootFolder, target))) seen.add(target);
    }
  }
  expect(documents.filter((file) => !seen.has(file))).toEqual([]);
});

test("a broken link and a missing file are seen", () => {
  const document = "# One `thing`\n[a](#one-thing) [b](#two) [c](./x.md) [d](y.md#three)\n";
  const read: Read = (file) => (file === "docs/y.md" ? "## Two\n" : undefined);
  expect(brokenLinks("docs/a.md", document, read)).toEqual([
    "docs/a.md: #two",
    "docs/a.md: ./x.md",
    "docs/a.md: y.md#three",
  ]);
  expect(namedFiles("see `src/rules/none.ts` and `npm test`")).toEqual(["src/rules/none.ts"]);
});
