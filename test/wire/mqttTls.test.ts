/** TLS: a secret over an encrypted connection, or a client certificate in its place. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startRig, until } from "../support/mqttRig.ts";

const folder = mkdtempSync(join(tmpdir(), "mqttTls-"));
afterAll(() => rmSync(folder, { recursive: true }));

function openssl(...args: string[]) {
  return spawnSync("openssl", args, { cwd: folder }).status === 0;
}

const ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A throw-away authority, a key for the listener, and one for the meter M0001. */
function makeCertificates() {
  const authority = ["-x509", ...ecKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "1"];
  if (!openssl("req", ...authority, "-subj", "/CN=test authority")) return false;
  for (const name of ["localhost", "M0001"]) {
    const request = ["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
    const sign = ["-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    if (!openssl("req", ...ecKey, ...request)) return false;
    if (!openssl("x509", "-req", ...sign, "-out", `${name}.pem`, "-days", "1")) return false;
  }
  return true;
}

const hasCertificates = makeCertificates();
const read = (name: string) => readFileSync(join(folder, name));

function startTls(limits = {}) {
  const [key, cert, ca] = [read("localhost.key"), read("localhost.pem"), read("ca.pem")];
  return startRig({ tls: { key, cert, ca, requestClientCert: true }, limits });
}

const overTls = { protocol: "mqtts", servername: "localhost" } as const;

test.skipIf(!hasCertificates)("a secret logs in over TLS, a wrong one does not", async () => {
  const rig = await startTls();
  try {
    const meter = await rig.login("M0002", { ...overTls, ca: read("ca.pem") });
    await meter.publishAsync("meters/M0002/up/json", "x", { qos: 1 });
    expect(rig.queue.texts()).toEqual(["x"]);
    const wrong = rig.login("M0003", { ...overTls, ca: read("ca.pem"), password: "wrong" });
    await expect(wrong).rejects.toThrow(/Bad username or password/);
  } finally {
    await rig.stop();
  }
});

test.skipIf(!hasCertificates)(
  "a certificate stands for the secret of its own name only",
  async () => {
    const rig = await startTls();
    const certificate = { ca: read("ca.pem"), cert: read("M0001.pem"), key: read("M0001.key") };
    try {
      await rig.login("M0001", { ...overTls, ...certificate, password: "" });
      const other = rig.login("M0002", { ...overTls, ...certificate, password: "" });
      await expect(other).rejects.toThrow(/Bad username or password/);
      rig.directory.credentials.delete("M0001");
      const revoked = rig.login("M0001", { ...overTls, ...certificate, clientId: "M0001/2" });
      await expect(revoked).rejects.toThrow(/Bad username or password/);
    } finally {
      await rig.stop();
    }
  },
);

test.skipIf(!hasCertificates)(
  "no TLS and half a TLS handshake are cut, and forgotten",
  async () => {
    const rig = await startTls({ connectTimeoutMs: 200, waitingPerAddressMax: 2 });
    try {
      for (const hello of [
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
        Buffer.from("1603010200", "hex"),
      ]) {
        const socket = connectTcp(rig.intake.port, "127.0.0.1", () => socket.write(hello));
        socket.on("error", () => undefined);
        socket.resume();
        await once(socket, "close");
      }
      await until(() => rig.observer.count("mqtt.cut", { reason: "TLS" }) === 2, "both cut");
      await rig.login("M0001", { ...overTls, ca: read("ca.pem") });
      await rig.login("M0002", { ...overTls, ca: read("ca.pem") });
      await rig.login("M0003", { ...overTls, ca: read("ca.pem") });
    } finally {
      await rig.stop();
    }
  },
);
