/** Backup beside a running service, disaster, restore, and the same bills: the real program and its sub-commands. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually, Home, type Service } from "../support/program.ts";

const homes: Home[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

function newHome(): Home {
  const home = new Home();
  homes.push(home);
  return home;
}

const ids = ["B1", "B2", "B3"];
const cutOff = "2026-11-22T16:00:00Z";

async function registersOf(service: Service): Promise<string> {
  return (await service.fetch("GET", `/v1/billing/registers?at=${cutOff}`)).text();
}

async function report(service: Service, id: string, hour: number, volumeM3: string): Promise<void> {
  const client = await service.login(id);
  const measuredAt = new Date(Date.UTC(2026, 10, 22, hour)).toISOString();
  await client.publishAsync(
    `meters/${id}/up/json`,
    JSON.stringify({ v: 1, measuredAt, volumeM3 }),
    {
      qos: 1,
    },
  );
  await client.endAsync();
}

test("backup, disaster, restore: the same registers, the same audit, secrets sealed", async () => {
  const home = newHome();
  const folder = join(home.folder, "backups");
  const keyFile = join(home.folder, "file.key");
  writeFileSync(keyFile, "5a".repeat(32));
  const environment = { MERCAPTAN_BACKUP_FOLDER: folder, MERCAPTAN_ENCRYPTION_KEY_FILE: keyFile };
  const service = await home.serve();
  await service.register(ids.map((id) => ({ id, protocol: "json" as const })));
  for (const [place, id] of ids.entries()) {
    await report(service, id, 8 + place, `10${place}.250`);
  }
  const registers = await registersOf(service);
  const run = async (...args: string[]) => {
    const program = home.run(args, environment);
    const code = await program.exited;
    return { code, out: program.stdout, err: program.stderr };
  };
  const made = await run("backup", "--determinants", "2", "--json");
  expect(made.err + made.out).toContain('"leftOut":[]');
  expect(made.code).toBe(0);
  expect(JSON.parse(made.out)).toMatchObject({
    determinants: 2,
    totals: { registers: 3, registerSumMl: "303750000" },
  });
  await report(service, "B1", 12, "109.000");
  const again = await run("backup");
  expect(again).toMatchObject({ code: 0 });
  expect(again.out).toMatch(/^backup-\S+Z\.json: \d+ files, \d+ new .* 3 registers, sealed\n$/);
  expect(await run("verify", "--backups", folder)).toMatchObject({ code: 0 });
  // Never over anything, not even beside it.
  expect(await run("restore")).toMatchObject({ code: 3, out: "" });

  await service.stop();
  rmSync(home.dataDir, { recursive: true });
  mkdirSync(home.dataDir);
  const { name } = JSON.parse(made.out) as { readonly name: string };
  const restored = await run("restore", "--backup", name);
  expect(restored.err).not.toContain("pepper");
  expect(restored.code).toBe(0);
  expect(restored.out).toContain("3 registers, together 303750000 ml");
  const after = await home.serve();
  expect(await registersOf(after)).toBe(registers);
  expect(await after.call("GET", "/v1/audit/verify")).toMatchObject({ ok: true });
  // The secret that was given out before the backup still opens the door.
  const kept = { secretOf: (id: string) => service.secretOf(id) };
  const client = await after.login("B2", { password: kept.secretOf("B2") });
  expect(client.connected).toBe(true);
  await client.endAsync();
  expect(await after.stop()).toBe(0);
});

test("a damaged backup, a wrong key and a missing folder end with their codes and a sentence", async () => {
  const home = newHome();
  const folder = join(home.folder, "backups");
  const service = await home.serve();
  expect(await service.stop()).toBe(0);
  const run = async (...args: string[]) => {
    const program = home.run(args);
    const code = await program.exited;
    return { code, said: program.stdout + program.stderr };
  };
  expect(await run("backup")).toMatchObject({ code: 2, said: expect.stringContaining("--to") });
  const made = await run("backup", "--to", folder);
  expect(made).toMatchObject({ code: 0, said: expect.stringContaining("pepper.key is a secret") });
  const manifest = join(folder, /backup-\S+?\.json/.exec(made.said)?.[0] ?? "");
  const text = readFileSync(manifest, "utf8");
  writeFileSync(manifest, text.replace('"registers":0', '"registers":1'));
  const bad = await run("verify", "--backups", folder);
  expect(bad).toMatchObject({ code: 3, said: expect.stringContaining("is not as it was written") });
  const target = join(home.folder, "other");
  expect(await run("restore", "--from", folder, "--data-dir", target)).toMatchObject({ code: 3 });
  writeFileSync(manifest, text);
  expect(await run("restore", "--from", folder, "--data-dir", target)).toMatchObject({ code: 0 });
  const nowhere = join(home.folder, "nowhere");
  expect(await run("restore", "--from", nowhere, "--data-dir", `${target}2`)).toMatchObject({
    code: 3,
  });
});

test("by the settings: a backup is made by itself, and a folder that cannot be used is an alarm", async () => {
  const home = newHome();
  const folder = join(home.folder, "backups");
  const service = await home.serve({ MERCAPTAN_BACKUP_FOLDER: folder });
  await eventually(
    () => service.event("backup.made"),
    (count) => count === 1,
  );
  expect(await service.stop()).toBe(0);
  const file = join(home.folder, "file");
  writeFileSync(file, "no folder");
  const bad = await home.serve({ MERCAPTAN_BACKUP_FOLDER: join(file, "backups") });
  const alarms = await eventually(
    () => bad.items<{ rule: string; message: { en: string } }>("/v1/alarms"),
    (items) => items.some(({ rule }) => rule === "BACKUP"),
  );
  expect(alarms.find(({ rule }) => rule === "BACKUP")?.message.en).toContain("BACKUP_UNUSABLE");
  await bad.expectReady();
  expect(await bad.stop()).toBe(0);
});
