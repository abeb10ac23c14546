import { format, resolveConfig } from "prettier";
import { join } from "node:path";
import { expect, test } from "vitest";
import { referencePage } from "#config/referencePage.ts";
import { settings } from "#config/settings.ts";

const page = join(import.meta.dirname, "../../../docs/CONFIGURATION.md");

/** Write it anew with `npx vitest run --project unit test/unit/config -u`. */
test("docs/CONFIGURATION.md says what the schema says", async () => {
  const style = await resolveConfig(page);
  const text = await format(referencePage(), { ...style, parser: "markdown" });
  await expect(text).toMatchFileSnapshot(page);
});

test("every setting is described", () => {
  for (const setting of settings) expect(setting.description, setting.path).toMatch(/\.$/);
});
