/** The audit as an auditor meets it: copies of its head elsewhere, and a sub-command that names what is wrong. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test } from "vitest";
import { Home } from "../support/program.ts";

const homes: Home[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

test("the head is copied, and `verify` names what was meddled with", async () => {
  const home = new Home();
  homes.push(home);
  const headFile = join(home.folder, "elsewhere.txt");
  const environment = { MERCAPTAN_AUDIT_HEAD_FILE: headFile };
  const service = await home.serve(environment);
  const headers = { authorization: `Bearer ${service.key}`, "content-type": "application/json" };
  for (const act of ["stop", "resume", "stop"]) {
    const body = JSON.stringify({ reason: "drill" });
    const url = `${service.api}/v1/automation/${act}`;
    expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
  }
  const verify = async () => {
    const program = home.run(["verify", "--json"], environment);
    const code = await program.exited;
    return { code, said: JSON.parse(program.stdout) as unknown };
  };
  // Beside the running service too.
  expect(await verify()).toMatchObject({ code: 0, said: { ok: true, entries: 4 } });
  expect(await service.stop()).toBe(0);
  const lines = readFileSync(headFile, "utf8").trim().split("\n");
  expect(lines.at(-1)).toMatch(/^\S+Z 4 [0-9a-f]{64}$/);
  appendFileSync(headFile, "a line that a disk made\n");
  expect(await verify()).toMatchObject({ code: 0, said: { copies: lines.length, unreadable: 1 } });

  const db = new DatabaseSync(join(home.dataDir, "ledger.sqlite"));
  db.exec("UPDATE audit SET actor = 'nobody' WHERE seq = 3");
  db.close();
  expect(await verify()).toMatchObject({ code: 3, said: { seq: 3, problem: "changed" } });
  const told = home.run(["verify", "--data-dir", home.dataDir]);
  expect(await told.exited).toBe(3);
  const [audit, readings, frames, pages] = told.stdout.split("\n");
  expect([audit, readings, frames]).toEqual([
    "audit damaged: entry 3 is not as it was written",
    "readings whole: 0 files, 0 hot batches",
    "archive of frames whole: 0 files, 0 frames",
  ]);
  // Another program wrote it, so the page is not the one that this program wrote.
  expect(pages).toMatch(/^ledger damaged: \S+ledger\.sqlite, page \d+: checksumMismatch/);
});
